/** Measures what honest clients get from a server while it is attacked, and what the attack costs it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FIRST_IN_LINE } from "../../processes.ts";
import { type Placement, resident } from "../../server/machine.ts";
import { type SubjectName, startSubject } from "../subjects.ts";
import type { AttackResult, AttackTask } from "./attacker.ts";
import type { Attack } from "./attacks.ts";
import type { HonestResult, HonestTask } from "./honest.ts";

export interface AbuseOptions {
  readonly subject: SubjectName;
  readonly placement: Placement;
  /** How long the honest clients ask, beside the attack. */
  readonly seconds: number;
  /** How long an attack may take to reach its height. */
  readonly leadSeconds: number;
  /** How long after the attack memory is measured again. */
  readonly restSeconds: number;
}

export interface AbuseRow {
  readonly subject: SubjectName;
  readonly attack: Attack;
  readonly honest: HonestResult;
  /** Undefined without an attack. */
  readonly attacker: AttackResult | undefined;
  /** Resident memory of the server in bytes: before, at most during, and after the attack. */
  readonly memory: { readonly before: number; readonly peak: number; readonly after: number };
  /** Whether the server still runs after the attack. */
  readonly alive: boolean;
}

/** Devices that the server has room for. */
const CAPACITY = 100_000;

/** A program that prints a line when it is ready, and its result when its standard input was closed. */
class Program<Result> implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncGenerator<string>;

  constructor(command: readonly string[], name: string, task: unknown) {
    this.#child = Bun.spawn([...command, process.execPath, join(import.meta.dir, name), JSON.stringify(task)], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#lines = linesOf(this.#child.stdout);
  }

  async ready(): Promise<void> {
    await this.#line();
  }

  async finish(): Promise<Result> {
    this.#child.stdin.end();
    return JSON.parse(await this.#line());
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("a program of the bench ended early");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Most resident memory of a process in bytes, since {@link resetPeak}. */
function peak(pid: number): number {
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1]) * 1024;
}

function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Starts a server for the attack. */
export async function underAttack(attack: Attack, options: AbuseOptions): Promise<AbuseRow> {
  const { placement, seconds, leadSeconds, restSeconds } = options;
  await using running = new AsyncDisposableStack();
  const subject = running.use(
    await startSubject(options.subject, { pin: placement.server, capacity: CAPACITY, limits: true }),
  );
  const { pid, https, udpPort } = subject;
  const task: HonestTask = { httpsPort: https.port, udpPort, seconds };
  const honest = running.use(new Program<HonestResult>([...FIRST_IN_LINE, ...placement.load], "honest.ts", task));
  await honest.ready();
  resetPeak(pid);
  const before = resident(pid);
  let attacker: Program<AttackResult> | undefined;
  const { what, hosts, connections } = attack;
  if (what !== "none") {
    const task: AttackTask = { what, hosts, connections, port: https.port, leadSeconds };
    attacker = running.use(new Program<AttackResult>(placement.load, "attacker.ts", task));
    await attacker.ready();
  }
  const served = await honest.finish();
  const attacked = await attacker?.finish();
  await Bun.sleep(restSeconds * 1000);
  const alive = subject.alive();
  const after = alive ? resident(pid) : Number.NaN;
  // Linux counts pages per processor and adds them up now and then, so its peak can be some pages less than a sample.
  const memory = { before, peak: alive ? Math.max(before, peak(pid), after) : Number.NaN, after };
  return { subject: options.subject, attack, honest: served, attacker: attacked, memory, alive };
}
