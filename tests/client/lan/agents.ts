/** Starts programs in hosts (netns.ts) and keeps what they tell. */
import type { Subprocess } from "bun";
import type { Timings } from "../../../src/client/types.ts";
import type { Host } from "../../support/netns.ts";

export interface AgentOptions {
  /** A Lan; or a plain socket that tells what it hears; or one that does not share its port. */
  kind: "lan" | "listener" | "unshared";
  nodeId: string;
  /** 0: listens only. */
  announcedPort: number;
  port: number;
  timings: Partial<Timings>;
  sabotage?: "no IPv4" | "no IPv6" | "no IPv6 at first" | "no sharing";
}

interface Change<T> {
  type: T;
  nodeId: string;
  ip: string;
  port: number;
}

export type Told =
  | { type: "ready" }
  | Change<"node">
  | Change<"moved">
  | Change<"gone">
  | { type: "error"; code: string | undefined; where: string; message: string }
  | { type: "announced"; address: string; bytes: number }
  | { type: "refused"; code: string | undefined; message: string }
  | { type: "heard"; hex: string; ip: string }
  | { type: "state"; nodes: number; counters: { received: number; announcements: number; ignored: number } };

export type Order = { send: string[]; to: string; port?: number } | { do: "announce" | "look" };

type ToldOf<T extends Told["type"]> = Extract<Told, { type: T }>;

export class Agent implements AsyncDisposable {
  /** What it told, and when (performance.now()). */
  readonly told: { told: Told; at: number }[] = [];
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
      ...options,
    };
    const script = new URL("./agent.ts", import.meta.url).pathname;
    const command = host.command([process.execPath, script, JSON.stringify(all)]);
    const agent = new Agent(Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" }));
    await agent.first("ready");
    return agent;
  }

  /** All of a kind, so far. */
  all<T extends Told["type"]>(type: T): ToldOf<T>[] {
    return this.told.map(({ told }) => told).filter((told): told is ToldOf<T> => told.type === type);
  }

  /** The first of a kind that `fits`, told already or within `timeout` ms. @throws {Error} if there is none */
  async first<T extends Told["type"]>(
    type: T,
    fits: (told: ToldOf<T>) => boolean = () => true,
    timeout = 4000,
  ): Promise<ToldOf<T> & { at: number }> {
    const end = performance.now() + timeout;
    for (let next = 0; ; ) {
      for (; next < this.told.length; next++) {
        const { told, at } = this.told[next]!;
        if (told.type === type && fits(told as ToldOf<T>)) return { ...(told as ToldOf<T>), at };
      }
      const left = end - performance.now();
      if (left <= 0) throw new Error(`no ${type} within ${timeout} ms, but ${JSON.stringify(this.told.slice(-10))}`);
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), Bun.sleep(left)]);
    }
  }

  order(order: Order): void {
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    this.#process.stdin.flush();
  }

  async state(): Promise<ToldOf<"state">> {
    const before = this.all("state").length;
    this.order({ do: "look" });
    return await this.first("state", () => this.all("state").length > before).then(() => this.all("state").at(-1)!);
  }

  /** Ends it at once, as a power cut would. */
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
      for (const line of lines) this.told.push({ told: JSON.parse(line), at: performance.now() });
      this.#wake();
    }
  }
}
