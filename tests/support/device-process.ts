/**
 * A process that keeps devices in a journal as a server does: it appends what was announced to it, and merges what other
 * processes append. The script is `bun device-process.ts JOURNAL`. It prints a line when it is ready. Each line of its
 * standard input is a command:
 *
 * - `ID ADDRESS`: announces a device; ID is the byte of which its ID consists. Prints `appended` when it is in the journal.
 * - `flood`: announces one device after the other, and prints the number of those that are in the journal after each append.
 * - `known`: prints the addresses of each device, as JSON.
 */
import { createJournal } from "../../src/journal/index.ts";
import { Clock } from "../../src/server/clock.ts";
import { OutputLines } from "./command.ts";
import { device, numbered } from "./devices.ts";
import { Site, SiteRegistry } from "./registry-site.ts";

/** How often a server appends. */
const APPEND_MS = 100;

export class DeviceProcess implements AsyncDisposable {
  readonly #child;
  readonly #printed: OutputLines;

  private constructor(journal: string) {
    this.#child = Bun.spawn([process.execPath, import.meta.path, journal], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#printed = new OutputLines(this.#child.stdout);
  }

  static async start(journal: string): Promise<DeviceProcess> {
    const started = new DeviceProcess(journal);
    await started.#printed.next(/^ready$/);
    return started;
  }

  /** Resolves when the announcement is in the journal. */
  async announce(id: number, address: string): Promise<void> {
    this.#send(`${id} ${address}`);
    await this.#printed.next(/^appended$/);
  }

  /** Announces devices until at least `count` are in the journal, and goes on. Kill it then. Returns how many there were. */
  async flood(count: number): Promise<number> {
    this.#send("flood");
    for (;;) {
      const appended = Number(await this.#printed.next(/^\d+$/));
      if (appended >= count) return appended;
    }
  }

  /** The sorted addresses of each device, by the byte of which its ID consists. */
  async known(): Promise<Record<string, string[]>> {
    this.#send("known");
    return JSON.parse(await this.#printed.next(/^\{/));
  }

  /** Waits until `known()` is this. */
  async untilKnown(expected: Record<string, string[]>): Promise<void> {
    for (const end = performance.now() + 30_000; ; await Bun.sleep(50)) {
      const known = await this.known();
      if (Bun.deepEquals(known, expected)) return;
      if (performance.now() > end) throw new Error(`it knows ${JSON.stringify(known)}`);
    }
  }

  #send(command: string): void {
    this.#child.stdin.write(`${command}\n`);
    this.#child.stdin.flush();
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

if (import.meta.main) await serve(process.argv[2]!);

async function serve(where: string): Promise<void> {
  const registry = new SiteRegistry(new Site());
  const { devices } = registry.site;
  const clock = new Clock();
  const origin = crypto.getRandomValues(new Uint8Array(8));
  const journal = createJournal({ journal: where, prefix: "whereabouts", retentionMs: 3_600_000, origin, clock });
  registry.journal = journal;
  await journal.open(registry);
  let appending = Promise.resolve();
  const append = () => {
    // Tried again after a failure.
    appending = appending.then(() => registry.append()).catch(() => {});
    return appending;
  };
  setInterval(() => journal.ready && append(), APPEND_MS);
  console.log("ready");
  for await (const line of console) {
    if (line === "known") {
      const known = devices.all().map(({ id, addresses }) => [id[0]!, addresses.map(({ address }) => address).sort()]);
      console.log(JSON.stringify(Object.fromEntries(known)));
    } else if (line === "flood") {
      for (let count = 0; ; console.log(count)) {
        for (const end = count + 10; count < end; count++) devices.merge(numbered(count, clock.now()), false);
        await append();
      }
    } else {
      const [id, address] = line.split(" ") as [string, string];
      devices.merge(device(Number(id), clock.now(), address), false);
      await append();
      console.log("appended");
    }
  }
}
