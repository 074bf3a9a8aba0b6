/** Stops single threads of this process. */
import { openLibrary } from "../../src/transport/libc.ts";
import { OutputLines } from "./command.ts";

const PR_SET_PTRACER = 0x59616d61;
/** Any process of this user may trace this one: where Yama restricts it, only a parent may trace its children. */
const PR_SET_PTRACER_ANY = -1;

/** The text of a thread that reports its number and then idles. */
const IDLE = 'postMessage(require("node:fs").readlinkSync("/proc/thread-self")); setInterval(() => {}, 1000);';

/** Whether this system has ptrace, and permits it. */
export async function canStopThreads(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const idle = new Worker(URL.createObjectURL(new Blob([IDLE])));
  const { promise, resolve } = Promise.withResolvers<string>();
  idle.onmessage = ({ data }) => resolve(data);
  const thread = Number((await promise).split("/").at(-1));
  using stops = new ThreadStops();
  try {
    await stops.stop(thread, 1000);
    await stops.go();
    return true;
  } catch {
    return false;
  } finally {
    idle.terminate();
  }
}

export class ThreadStops implements Disposable {
  readonly #tracer = Bun.spawn([process.execPath, new URL("./tracer.ts", import.meta.url).pathname], {
    // Without it, Bun passes on the environment that this process was started with.
    env: { ...process.env },
    stdin: "pipe",
    stdout: "pipe",
  });
  readonly #answers = new OutputLines(this.#tracer.stdout);

  constructor() {
    const { prctl } = openLibrary(process, {
      prctl: { args: ["i32", "i64", "i64", "i64", "i64"], returns: "i32" },
    }).symbols;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  }

  /**
   * Stops a thread. It does nothing more, not even end, until {@link go} or for `ms`. If it holds a lock of Bun's, other threads
   * may stand still too.
   *
   * @throws {Error} if this system forbids it
   */
  stop(thread: number, ms: number): Promise<void> {
    return this.#command(`stop ${thread} ${Math.ceil(ms)}`);
  }

  go(): Promise<void> {
    return this.#command("go");
  }

  async #command(command: string): Promise<void> {
    this.#tracer.stdin.write(`${command}\n`);
    this.#tracer.stdin.flush();
    const answer = await this.#answers.next(/./);
    if (answer !== "done") throw new Error(`${command}: ${answer}`);
  }

  /** A stopped thread goes on. */
  [Symbol.dispose](): void {
    this.#tracer.kill();
  }
}
