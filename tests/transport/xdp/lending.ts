/**
 * Runs in a virtual host with an interface `b0` of two queues: lends them to workers that fail at the worst moments. Prints {@link Lending}
 * as one line of JSON.
 */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { XdpControl } from "../../../src/transport/xdp/control.ts";
import type { Borrower } from "../../../src/transport/xdp/queue.ts";
import type { XdpLoan } from "../../../src/transport/xdp/socket.ts";
import { until } from "../../support/time-limits.ts";

class TestWorker implements Borrower {
  readonly loans: XdpLoan[] = [];
  readonly #end = Promise.withResolvers<void>();

  lend(loan: XdpLoan): void {
    this.loans.push(loan);
  }

  giveBack(): void {}

  get ended(): Promise<void> {
    return this.#end.promise;
  }

  /** Its thread ends. What the control does then is done when this resolves. */
  async end(): Promise<void> {
    this.#end.resolve();
    await Bun.sleep(0);
  }
}

const control = new XdpControl({
  interface: "b0",
  port: 22025,
  addresses: ["::"],
  workers: 2,
  receiveBuffer: 1 << 18,
});

/** A queue as a new worker finds it: lent, and not served before the worker says so. */
async function lent(queue: number): Promise<[TestWorker, XdpLoan]> {
  const worker = new TestWorker();
  control.offer(queue, worker);
  await until(() => worker.loans.length === 1, "the loan");
  return [worker, worker.loans[0]!];
}

const isMapped = ({ region }: XdpLoan) => {
  const from = region.at.toString(16).padStart(8, "0");
  return readFileSync("/proc/self/maps", "utf8").includes(`${from}-`);
};
const rings = () => readFileSync("/proc/self/maps", "utf8").split("socket:").length - 1;
const kindOf = (fd: number) => {
  try {
    return fstatSync(fd).isSocket() ? "socket" : "other file";
  } catch {
    return "closed";
  }
};

/** Opens files until no descriptor is free. @returns a function that closes them */
function useUpDescriptors(): () => void {
  const files: number[] = [];
  try {
    for (;;) files.push(openSync("/dev/null", "r"));
  } catch {}
  return () => {
    for (const fd of files) closeSync(fd);
  };
}

const files = readdirSync("/proc/self/fd").length;
const results: Record<string, unknown> = {};

const [first, loan] = await lent(0);
results.beforeItsAnswer = control.status.served;
control.lent(0, loan.number);
results.afterIt = control.status.served;
results.rings = rings();

// It hangs: its queue is free, and what it still uses is harmless and stays, until it has ended.
control.revoke(0);
results.revoked = [control.status.served, kindOf(loan.fd), isMapped(loan), rings()];
control.lent(0, loan.number);
control.returned(0, loan.number);
results.lateMessages = [control.status.served, kindOf(loan.fd), isMapped(loan)];
const [second, next] = await lent(0);
control.lent(0, next.number);
results.successor = [control.status.served, kindOf(next.fd), next.fd !== loan.fd];
await first.end();
results.ended = [kindOf(loan.fd), isMapped(loan), control.status.served];

// No descriptor is free for taking a queue away: that is made up for later.
const free = useUpDescriptors();
control.revoke(0);
results.withoutDescriptors = [control.status.served, kindOf(next.fd)];
free();
const [third, other] = await lent(0);
control.lent(0, other.number);
results.withDescriptors = [control.status.served, kindOf(next.fd)];
await second.end();

// It returns the queue itself, and gets another socket at once.
control.returned(0, other.number);
await until(() => third.loans.length === 2, "the next loan");
results.returned = [control.status.served, rings(), third.loans[1]!.number > other.number];
control.lent(0, third.loans[1]!.number);

// It answers when the server is stopping.
const [late, last] = await lent(1);
control.detach();
control.lent(1, last.number);
results.stopping = control.status.served;
control.close();
results.closed = [kindOf(last.fd), rings()];
await Promise.all([third.end(), late.end()]);
results.files = readdirSync("/proc/self/fd").length - files;
console.log(JSON.stringify(results));
process.exit(0);
