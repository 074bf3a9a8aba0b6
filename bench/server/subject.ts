/** What `bench:server` measures, each in its own processes: the server, and echoes that only send packets back. */
import { join } from "node:path";
import type { ServerOptions, ServerStats } from "../../src/server/index.ts";
import { sum } from "../statistics.ts";
import { DEFAULT_LOAD, type LoadOptions, type LoadResult, type Workload } from "./load/load.ts";
import { processorTime, resident, threadTimes } from "./machine.ts";

type Child = Bun.Subprocess<"ignore", "ignore" | "pipe", "inherit" | "pipe">;

const script = (name: string) => join(import.meta.dir, name);

/** Processes to kill when this one exits: an echo never ends by itself. */
const running = new Set<Child>();

function track<T extends Child>(child: T): T {
  running.add(child);
  void child.exited.then(() => running.delete(child));
  return child;
}

export function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

async function end(child: Child): Promise<void> {
  child.kill("SIGKILL");
  await child.exited;
}

export interface Subject extends AsyncDisposable {
  readonly port: number;
  /** Its process, or the first of them. */
  readonly pid: number;
  /** Processor time so far, in microseconds. */
  cpu(): number;
  /** Resident memory in bytes. */
  resident(): number;
  /** A server's statistics; an echo has none. */
  stats?(): Promise<ServerStats>;
}

export class Echo implements Subject {
  readonly port: number;
  readonly #children: readonly Child[];

  private constructor(port: number, children: readonly Child[]) {
    this.port = port;
    this.#children = children;
  }

  /** The floor: `echo/mmsg.ts`, one process per worker of the server. They share a port as the workers do. */
  static async mmsg(pin: readonly string[], processes: number, host = "127.0.0.1"): Promise<Echo> {
    const echo = ["echo/mmsg.ts", "--host", host];
    const first = await Echo.#start(pin, [...echo, ...(processes > 1 ? ["--share", "first"] : [])]);
    const join = [...echo, "--port", `${first.port}`, "--share", "join"];
    const others = await Promise.all(Array.from({ length: processes - 1 }, () => Echo.#start(pin, join)));
    return new Echo(
      first.port,
      [first, ...others].map(({ child }) => child),
    );
  }

  /** `echo/udp.ts`, a bare Bun.udpSocket. */
  static async udp(pin: readonly string[]): Promise<Echo> {
    const { port, child } = await Echo.#start(pin, ["echo/udp.ts"]);
    return new Echo(port, [child]);
  }

  /** Starts an echo and waits until it prints its port. */
  static async #start(pin: readonly string[], [name, ...args]: readonly string[]) {
    const child = track(
      Bun.spawn([...pin, process.execPath, script(name!), ...args], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
      }),
    );
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes("\n")) return { port: (JSON.parse(text) as { port: number }).port, child };
    }
    throw new Error(`${name} ended before it printed its port`);
  }

  get pid(): number {
    return this.#children[0]!.pid;
  }

  cpu(): number {
    return sum(this.#children.map(({ pid }) => processorTime(pid)));
  }

  resident(): number {
    return sum(this.#children.map(({ pid }) => resident(pid)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map(end));
  }
}

export class Server implements Subject {
  readonly port: number;
  /** The address of its admin server; undefined if it has none. */
  readonly url: string | undefined;
  readonly #child: Child;
  readonly #ask: () => Promise<unknown>;

  private constructor(port: number, url: string | undefined, child: Child, ask: () => Promise<unknown>) {
    this.port = port;
    this.url = url;
    this.#child = child;
    this.#ask = ask;
  }

  static async start(
    pin: readonly string[],
    options: Partial<ServerOptions> & { readonly admin?: boolean },
  ): Promise<Server> {
    let answer = Promise.withResolvers<unknown>();
    const child = track(
      Bun.spawn([...pin, process.execPath, script("server-process.ts"), JSON.stringify(options)], {
        ipc: (message) => answer.resolve(message),
        stdin: "ignore",
        stdout: "ignore",
        stderr: "inherit",
      }),
    );
    void child.exited.then(() => answer.reject(new Error("the server ended")));
    const { port, url } = (await answer.promise) as { port: number; url?: string };
    return new Server(port, url, child, () => {
      answer = Promise.withResolvers();
      child.send("stats");
      return answer.promise;
    });
  }

  async stats(): Promise<ServerStats> {
    return (await this.#ask()) as ServerStats;
  }

  get pid(): number {
    return this.#child.pid;
  }

  cpu(): number {
    return processorTime(this.#child.pid);
  }

  /** Processor time of each of its threads; see {@link threadTimes}. */
  threads(): Map<string, number> {
    return threadTimes(this.#child.pid);
  }

  resident(): number {
    return resident(this.#child.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
  }
}

export interface LoadRequest {
  readonly port: number;
  readonly nodes: number;
  readonly what: Workload;
  readonly seconds: number;
  readonly seed: number;
  readonly preload?: boolean;
  /** Other values than those of `DEFAULT_LOAD`; the window is that of one process. */
  readonly other?: Partial<Pick<LoadOptions, "host" | "source" | "window" | "pace" | "warmUpMs">>;
}

export interface LoadRun extends LoadResult {
  /** The processes of the load generators. They have ended. */
  readonly pids: readonly number[];
}

/**
 * Load generators, one process or several. They begin at once, when all are ready. The sources and packets in flight of `DEFAULT_LOAD` are per worker of the
 * server.
 */
export class Loaders {
  readonly #pin: readonly string[];
  readonly #processes: number;
  readonly #workers: number;

  constructor(pin: readonly string[], processes: number, workers: number) {
    this.#pin = pin;
    this.#processes = processes;
    this.#workers = workers;
  }

  /** @throws {Error} with the message of a load generator that failed */
  async run(load: LoadRequest): Promise<LoadRun> {
    const processes = load.preload ? 1 : this.#processes;
    const started = Array.from({ length: processes }, (_, i) => this.#start(load, i, processes));
    let results: LoadResult[];
    try {
      await Promise.all(started.map(({ ready }) => ready));
      for (const { child } of started) child.send("begin");
      results = await Promise.all(started.map(({ result }) => result));
    } finally {
      for (const { child } of started) child.kill("SIGKILL");
    }
    const total = (name: keyof LoadResult) => sum(results.map((result) => result[name]));
    return {
      pids: started.map(({ child }) => child.pid),
      announced: total("announced"),
      announceSeconds: total("announceSeconds"),
      sent: total("sent"),
      expected: total("expected"),
      replies: total("replies"),
      dropped: total("dropped"),
      wrong: total("wrong"),
      seconds: total("seconds") / processes,
      perSecond: total("perSecond"),
      repliesPerSecond: total("repliesPerSecond"),
      medianMs: total("medianMs") / processes,
      p99Ms: Math.max(...results.map(({ p99Ms }) => p99Ms)),
    };
  }

  /** Starts one process. `ready` fails with the error of `result` if it ends before. */
  #start(load: LoadRequest, number: number, processes: number) {
    const { port, nodes, what, seconds, seed, preload, other: { warmUpMs = 0, ...other } = {} } = load;
    const sources = Math.ceil((DEFAULT_LOAD.sources * this.#workers) / processes);
    const window = Math.ceil((DEFAULT_LOAD.window * this.#workers) / processes);
    const flags = {
      port,
      nodes,
      what,
      seconds,
      sources,
      window,
      "first-source": number * sources,
      seed: seed * processes + number,
      "warm-up": warmUpMs,
      ...other,
    };
    const message = Promise.withResolvers<void>();
    const child = track(
      Bun.spawn(
        [
          ...this.#pin,
          ...[process.execPath, script("load/main.ts")],
          ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]),
          ...(preload ? ["--preload"] : []),
        ],
        { ipc: () => message.resolve(), stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      ),
    );
    const result = resultOf(child);
    return { child, result, ready: Promise.race([message.promise, result]) };
  }
}

async function resultOf(child: Bun.Subprocess<"ignore", "pipe", "pipe">): Promise<LoadResult> {
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(err.trim() || "the load generator was killed");
  return JSON.parse(out);
}
