/**
 * A server in a process of its own, whose system clock the test can set. The script is `bun stepping-server.ts OPTIONS MS`:
 * OPTIONS is JSON, MS is what the clock is ahead at first. Each line of its standard input is a new MS. After its port, and
 * after each line, it prints a line with its statistics.
 */
import type { JournalStats, ServerOptions } from "../../src/server/index.ts";
import { Client } from "./client.ts";
import { OutputLines } from "./command.ts";
import { announcement, ascii, query } from "./packets.ts";

interface Stats {
  readonly nodes: number;
  readonly verdicts: Record<string, number>;
  readonly journal: JournalStats;
}

export class SteppingServer implements AsyncDisposable {
  readonly #child;
  readonly #printed: OutputLines;
  #client!: Client;
  #ahead: number;

  private constructor(options: Partial<ServerOptions>, ahead: number) {
    this.#ahead = ahead;
    this.#child = Bun.spawn([process.execPath, import.meta.path, JSON.stringify(options), `${ahead}`], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#printed = new OutputLines(this.#child.stdout);
  }

  static async start(journal: string, ahead = 0, options: Partial<ServerOptions> = {}): Promise<SteppingServer> {
    const server = new SteppingServer({ ...options, journal }, ahead);
    server.#client = await Client.open(Number(await server.#printed.next(/^\d+$/)));
    return server;
  }

  /** Sets its clock. */
  async step(ahead: number): Promise<Stats> {
    this.#ahead = ahead;
    return await this.stats();
  }

  async stats(): Promise<Stats> {
    this.#child.stdin.write(`${this.#ahead}\n`);
    this.#child.stdin.flush();
    return JSON.parse(await this.#printed.next(/^\{/));
  }

  /** Announces nodes and waits until they are stored, in the journal too. Throws if one is refused. */
  async announce(names: readonly string[], port: number): Promise<void> {
    const stored = async () => {
      const { journal, verdicts } = await this.stats();
      return journal.where === "memory" ? verdicts.stored! + verdicts.refreshed! : journal.appended;
    };
    const before = await stored();
    for (const name of names) this.#client.send(announcement(ascii(name), port));
    for (const end = performance.now() + 20_000; ; await Bun.sleep(20)) {
      if ((await stored()) >= before + names.length) return;
      if (performance.now() > end) throw new Error(`not stored: ${JSON.stringify(await this.stats())}`);
    }
  }

  /** The ports in its answers, undefined where there is none. */
  async ports(names: readonly string[]): Promise<(number | undefined)[]> {
    const ports: (number | undefined)[] = [];
    for (const name of names) {
      const reply = await this.#client.ask(query(ascii(name)), 2000);
      ports.push(reply && new DataView(reply.buffer).getUint16(4));
    }
    return ports;
  }

  /** Its log so far. */
  get log(): string {
    return this.#printed.lines.filter((line) => line.startsWith("log ")).join("\n");
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#client?.close();
    this.#child.kill(signal);
    await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}

if (import.meta.main) await serve();

async function serve(): Promise<void> {
  const [options, ahead] = process.argv.slice(2) as [string, string];
  const real = Date.now;
  let skew = Number(ahead);
  Date.now = () => real() + skew;
  const { configure } = await import("@logtape/logtape");
  await configure({
    sinks: { line: ({ message }) => console.log(`log ${message.join("")}`) },
    loggers: [
      { category: "whereabouts", sinks: ["line"] },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  const { DiscoveryServer } = await import("../../src/server/index.ts");
  const limits = { sourceRate: 0, nodeRate: 0, newRate: 0 };
  const server = await DiscoveryServer.start({
    host: "127.0.0.1",
    port: 0,
    capacity: 1000,
    workers: 1,
    ...limits,
    ...JSON.parse(options),
  });
  process.on("SIGTERM", async () => {
    await server.stop();
    process.exit(0);
  });
  console.log(server.port);
  for await (const line of console) {
    skew = Number(line);
    console.log(JSON.stringify(server.stats()));
  }
}
