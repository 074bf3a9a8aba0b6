/** Starts agent.ts in a virtual host (netns.ts), gives it orders and collects its reports. */
import type { Subprocess } from "bun";
import { build } from "esbuild";
import type { Lan } from "../../../src/client/lan/lan.ts";
import type { Timings } from "../../../src/client/types.ts";
import type { Host } from "../../support/netns.ts";

/** The runtime of an agent: Bun, Bun with the sockets of Node, or Node. */
export type Runtime = "bun" | "bun, node's sockets" | "node";

export const hasNode: boolean = Bun.which("node") !== null;

export interface AgentOptions {
  /** lan: a Lan. listener: plain sockets that report the packets they receive. unshared: one that does not share its port. */
  kind: "lan" | "listener" | "unshared";
  nodeId: string;
  /** 0: it only listens. */
  announcedPort: number;
  port: number;
  group?: string;
  interfaces?: string[];
  /** Of agents of the kind lan; the others are run by Bun. */
  runtime: Runtime;
  timings: Partial<Timings>;
  /** `nothing sent at first` and `no list at first` last for half a second; `no list`: of the network interfaces. */
  sabotage?: "no IPv4" | "no IPv6" | "no IPv6 at first" | "no sharing" | "nothing sent at first" | "no list at first";
}

interface Change<T> {
  type: T;
  nodeId: string;
  ip: string;
  port: number;
}

export type Report =
  | { type: "ready" }
  | Change<"node">
  | Change<"moved">
  | Change<"gone">
  | { type: "error"; code: string | undefined; where: string; message: string }
  | { type: "announced"; address: string; bytes: number }
  | { type: "sent" }
  | { type: "closed" }
  | { type: "refused"; code: string | undefined; message: string }
  | { type: "heard"; hex: string; ip: string }
  /** `reads`: how often it has read the list of interfaces. */
  | { type: "state"; nodes: number; reads: number; counters: Lan["counters"] };

export type Order = { send: string[]; to: string; port?: number } | { do: "announce" | "announce and close" | "look" };

type ReportOf<T extends Report["type"]> = Extract<Report, { type: T }>;

/**
 * How long a test waits for a report by default, in ms: less than the 27 s after which a node announces itself again unasked, so
 * that a test that waits for an answer does not pass by that. The programs of a busy machine may take seconds.
 */
const FIRST_LIMIT_MS = 15_000;

const bundles = new Map<string, Promise<string>>();

/** The command that runs a script in Bun, or in Node, which cannot run TypeScript and gets a bundle as its argument. */
export async function program({ pathname }: URL, runtime: Runtime): Promise<string[]> {
  if (runtime !== "node") return [process.execPath, pathname];
  const options = {
    bundle: true,
    minify: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
  } as const;
  const bundle =
    bundles.get(pathname) ??
    build({ ...options, entryPoints: [pathname] }).then(({ outputFiles }) => outputFiles[0]!.text);
  bundles.set(pathname, bundle);
  return ["node", "--input-type=module", "--eval", await bundle];
}

export class Agent implements AsyncDisposable {
  /**
   * Its reports, with the time at which this process has read each (performance.now()), and the time by the agent's own clock, which
   * does not depend on how busy this process is.
   */
  readonly reports: { report: Report; at: number; time: number }[] = [];
  readonly startedAt = performance.now();
  readonly #process: Subprocess<"pipe", "pipe", "inherit">;
  #wake: () => void = () => {};

  private constructor(process: Subprocess<"pipe", "pipe", "inherit">) {
    this.#process = process;
    void this.#read();
  }

  static async start(host: Host, options: Partial<AgentOptions>): Promise<Agent> {
    const all: AgentOptions = {
      kind: "lan",
      nodeId: "NODE",
      announcedPort: 22000,
      port: 21025,
      timings: {},
      runtime: "bun",
      ...options,
    };
    const command = await program(new URL("./agent.ts", import.meta.url), all.kind === "lan" ? all.runtime : "bun");
    const inHost = host.command([...command, JSON.stringify(all)]);
    const agent = new Agent(Bun.spawn(inHost, { stdin: "pipe", stdout: "pipe", stderr: "inherit" }));
    await agent.first("ready", undefined, 2 * FIRST_LIMIT_MS);
    return agent;
  }

  /** All reports of a type so far. */
  all<T extends Report["type"]>(type: T): ReportOf<T>[] {
    return this.reports.map(({ report }) => report).filter((report): report is ReportOf<T> => report.type === type);
  }

  /**
   * Returns the first report of a type for which `fits` is true. If there is none yet, waits up to `timeout` ms.
   *
   * @throws {Error} if none has come by then
   */
  async first<T extends Report["type"]>(
    type: T,
    fits: (report: ReportOf<T>) => boolean = () => true,
    timeout = FIRST_LIMIT_MS,
  ): Promise<ReportOf<T> & { time: number }> {
    const end = performance.now() + timeout;
    for (let next = 0; ; ) {
      for (; next < this.reports.length; next++) {
        const { report, time } = this.reports[next]!;
        if (report.type === type && fits(report as ReportOf<T>)) return { ...(report as ReportOf<T>), time };
      }
      const left = end - performance.now();
      if (left <= 0) throw new Error(`no ${type} within ${timeout} ms, but ${JSON.stringify(this.reports.slice(-10))}`);
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), Bun.sleep(left)]);
    }
  }

  order(order: Order): void {
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    this.#process.stdin.flush();
  }

  /** Asks for the state. */
  async state(): Promise<ReportOf<"state">> {
    const before = this.all("state").length;
    this.order({ do: "look" });
    await this.first("state", () => this.all("state").length > before);
    return this.all("state").at(-1)!;
  }

  /** Stops the program for `ms`, as when a computer sleeps. */
  async pause(ms: number): Promise<void> {
    this.#process.kill("SIGSTOP");
    await Bun.sleep(ms);
    this.#process.kill("SIGCONT");
  }

  /** Kills the program, so that it cannot clean up. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const bytes of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + bytes).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.reports.push({ ...JSON.parse(line), at: performance.now() });
      this.#wake();
    }
  }
}
