/** The queues of the transport xdp: worker 1 serves queue 0, and so on. Without the rights for them, all packets go through sockets. */
import { getLogger } from "@logtape/logtape";
import { XdpControl } from "../../transport/xdp/control.ts";
import { xdpReason } from "../../transport/xdp/reasons.ts";
import type { XdpStatus } from "../../transport/xdp/status.ts";
import type { ResolvedServerOptions } from "../options.ts";
import type { Listening } from "./messages.ts";
import type { PacketWorker } from "./packet-worker.ts";

const logger = getLogger(["whereabouts", "server"]);
const inform = (text: string) => logger.info("{text}", { text });

/** How long a start waits until the queues are served, and how often it looks. */
const SETTLE_MS = 3000;
const SETTLE_LOOK_MS = 5;

export class WorkerQueues {
  /** Undefined if the kernel did not take the program. */
  readonly #control: XdpControl | undefined;
  readonly #status: XdpStatus;

  constructor(options: ResolvedServerOptions, { port, addresses }: Listening) {
    const { workers, receiveBuffer } = options;
    const name = options.interface!;
    let problem: string | undefined;
    try {
      this.#control = new XdpControl({ interface: name, port, addresses, workers, receiveBuffer, inform });
    } catch (error) {
      problem = xdpReason(error);
    }
    const nothing = { received: 0, sent: 0, damaged: 0, dropped: 0 };
    this.#status = { interface: name, mode: undefined, queues: 0, served: 0, problem, ...nothing };
  }

  get status(): XdpStatus {
    return this.#control?.status ?? this.#status;
  }

  /** A worker listens. */
  offer(worker: PacketWorker): void {
    const control = this.#control;
    if (control === undefined) return;
    const queue = worker.number - 1;
    worker.onQueue = (what, loan) => control[what](queue, loan);
    control.offer(queue, worker);
  }

  /** A worker has failed. */
  revoke(worker: PacketWorker): void {
    this.#control?.revoke(worker.number - 1);
  }

  /** Resolves when each queue is served or cannot be. */
  async settled(): Promise<void> {
    const until = performance.now() + SETTLE_MS;
    while (this.#control?.settled === false && performance.now() < until) await Bun.sleep(SETTLE_LOOK_MS);
  }

  /** Packets that arrive from now on go to the sockets. */
  detach(): void {
    this.#control?.detach();
  }

  close(): void {
    this.#control?.close();
  }
}
