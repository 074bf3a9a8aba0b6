/**
 * Kills a server while nodes announce themselves, restarts it, and checks that it still has the announcements that it
 * handled SAFE_MS before the kill or earlier.
 */
import { MAIN } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";

/** In seconds. It is so short that announcements expire within two more runs. */
const RETENTION = 5;
/** Announcements handled this long before a kill must survive it. */
const SAFE_MS = 1000;
const NODES = 8000;
/** Every SAMPLE-th node is queried after its announcement: a reply shows that the announcement was handled. */
const SAMPLE = 8;
/** Number of nodes that are announced only at the beginning of each run. */
const ONCE = 200;
/** Number of nodes that are announced only at the beginning of every RUNS-th run, so that they expire in between. */
const RARE = 200;
const RUNS = 4;
/** Packets per send. */
const BATCH = 64;

export interface SoakResult {
  /** Announcements handled per second, estimated from the sampled queries. */
  handled: number;
  /** Nodes whose announcement was handled SAFE_MS before the kill: the server must still know them. */
  asked: number;
  /** Nodes whose announcement should have survived the kill, but got no reply, or one with an earlier announcement. */
  missing: number;
  /** Replies with a port that was never announced. */
  wrong: number;
  /** Replies with an expired announcement. */
  stale: number;
  /** Expired nodes that were queried. */
  expired: number;
  restored: number;
  restoreMs: number;
}

/** A node of the test. Each announcement has another port, so that a reply shows which one the server knows. */
interface Node {
  readonly id: Uint8Array<ArrayBuffer>;
  readonly query: Uint8Array<ArrayBuffer>;
  /** Times at which announcements were sent, by port. */
  readonly sent: Map<number, number>;
  /** Ports in the replies of this run, with their times. */
  readonly answers: [port: number, at: number][];
}

export class KillHarness implements AsyncDisposable {
  readonly #rate: number;
  readonly #random: Random;
  readonly #folder = new Folder();
  readonly #nodes: Node[];
  readonly #byId = new Map<string, Node>();
  #child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
  #socket!: Bun.udp.Socket<"buffer">;
  #port = 0;
  #restored = 0;
  #onReply: (node: Node, port: number) => void = () => {};
  #run = 0;

  private constructor(rate: number, seed: number) {
    this.#rate = rate;
    this.#random = new Random(seed);
    this.#nodes = Array.from({ length: NODES + ONCE + RARE }, (_, i) => {
      const id = ascii(`NODE-${i}-${"A".repeat(40)}`);
      return { id, query: query(id), sent: new Map(), answers: [] };
    });
    for (const node of this.#nodes) this.#byId.set(node.id.toHex(), node);
  }

  static async create(rate: number, seed: number): Promise<KillHarness> {
    const harness = new KillHarness(rate, seed);
    harness.#socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data(_socket, reply) {
          const length = reply.readUInt32BE(8);
          const node = harness.#byId.get(reply.subarray(12, 12 + length).toHex());
          if (node) harness.#onReply(node, reply.readUInt16BE(4));
        },
        error() {},
      },
    });
    await harness.#start();
    return harness;
  }

  static add(sum: SoakResult | undefined, next: SoakResult): SoakResult {
    if (!sum) return next;
    const names = Object.keys(next) as (keyof SoakResult)[];
    const total = Object.fromEntries(names.map((name) => [name, sum[name] + next[name]])) as unknown as SoakResult;
    // These three are not added up: they are the worst value of all runs.
    total.handled = Math.min(sum.handled, next.handled);
    total.restored = Math.min(sum.restored, next.restored);
    total.restoreMs = Math.max(sum.restoreMs, next.restoreMs);
    return total;
  }

  async #start(): Promise<number> {
    const began = performance.now();
    const args = ["--host", "127.0.0.1", "--port", "0", "--capacity", "20000", "--retention", `${RETENTION}`];
    const limits = ["--source-rate", "0", "--node-rate", "0", "--new-rate", "0"];
    const journal = ["--journal", `sqlite:${this.#folder.at("registry.db")}`, "--log-format", "json"];
    const child = Bun.spawn([process.execPath, MAIN, "server", ...args, ...limits, ...journal], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const read = async () => {
      let text = "";
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        const port = /"port":(\d+)/.exec(text);
        const restored = /"restored":(\d+)/.exec(text);
        if (!port || !restored) continue;
        this.#port = Number(port[1]);
        this.#restored = Number(restored[1]);
        resolve(performance.now() - began);
      }
      reject(new Error(`the server ended before it listened: ${text}`));
    };
    read().catch(() => {});
    return await promise;
  }

  /** One run: announces nodes for a while, kills the server, restarts it and queries all nodes. */
  async kill(): Promise<SoakResult> {
    const handled = await this.#announce(1300 + this.#random.below(600));
    const killedAt = Date.now();
    this.#child!.kill("SIGKILL");
    await this.#child!.exited;
    // The port that must survive, by node; 0: none.
    const safePorts = this.#nodes.map((node) => node.answers.findLast(([, at]) => at < killedAt - SAFE_MS)?.[0] ?? 0);
    const restoreMs = await this.#start();
    const result = await this.#askAll(safePorts);
    return { ...result, handled, restored: this.#restored, restoreMs: Math.round(restoreMs) };
  }

  /** Announces the nodes in turn at the given rate; returns how many announcements per second were handled. */
  async #announce(ms: number): Promise<number> {
    this.#run++;
    let asked = 0;
    let answered = 0;
    this.#onReply = (node, port) => {
      answered++;
      node.answers.push([port, Date.now()]);
    };
    const began = performance.now();
    const first = this.#run % RUNS === 1 ? ONCE + RARE : ONCE;
    let sent = 0;
    for (let elapsed = 0; elapsed < ms; elapsed = performance.now() - began) {
      const due = Math.min(Math.floor((elapsed * this.#rate) / 1000) - sent, 1000);
      const packets: Uint8Array[] = [];
      for (let i = 0; i < due; i++, sent++) {
        const which = sent < first ? NODES + sent : sent % NODES;
        const node = this.#nodes[which]!;
        // Another port than in the last announcements of this node, so that a reply shows which one the server knows.
        const port = 1 + ((this.#run * 997 + Math.floor(sent / NODES) * 13 + which) % 60_000);
        node.sent.set(port, Date.now());
        packets.push(announcement(node.id, port));
        if (which % SAMPLE === 0 || which >= NODES) {
          packets.push(node.query);
          asked++;
        }
      }
      for (let i = 0; i < packets.length; i += BATCH) {
        this.#send(packets.slice(i, i + BATCH));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Bun.sleep(1);
    }
    return Math.round(((sent / ms) * 1000 * answered) / asked);
  }

  #send(packets: readonly Uint8Array[]): void {
    try {
      this.#socket.sendMany(packets.flatMap((packet) => [packet, this.#port, "127.0.0.1"]));
    } catch {
      // An ICMP error from when the server was down. Queries are repeated anyway.
    }
  }

  /** Queries all nodes, up to four times until there is a reply. */
  async #askAll(safePorts: readonly number[]): Promise<Omit<SoakResult, "handled" | "restored" | "restoreMs">> {
    const answers = new Map<Node, number>();
    let stale = 0;
    let wrong = 0;
    this.#onReply = (node, port) => {
      const at = node.sent.get(port);
      // The extra 500 ms allow for the time between sending and handling an announcement.
      if (at === undefined) wrong++;
      else if (Date.now() - at > RETENTION * 1000 + 500) stale++;
      answers.set(node, port);
    };
    const expired = this.#nodes.filter(
      ({ sent }) => Date.now() - Math.max(0, ...sent.values()) > RETENTION * 1000 + 500,
    );
    const wanted = this.#nodes.filter((_, i) => safePorts[i] !== 0);
    for (let attempt = 0; attempt < 4; attempt++) {
      const rest = (attempt === 0 ? this.#nodes : wanted).filter((node) => !answers.has(node));
      for (let i = 0; i < rest.length; i += BATCH) {
        this.#send(rest.slice(i, i + BATCH).map((node) => node.query));
        await Bun.sleep(1);
      }
      await Bun.sleep(50);
    }
    let missing = 0;
    this.#nodes.forEach((node, i) => {
      const safePort = safePorts[i]!;
      if (safePort === 0) return;
      const port = answers.get(node);
      const [then, now] = [node.sent.get(safePort)!, port === undefined ? -1 : (node.sent.get(port) ?? -1)];
      // An announcement that has expired by now cannot be missing.
      if (now < then && Date.now() - then < RETENTION * 1000 - 500) missing++;
    });
    for (const node of this.#nodes) node.answers.length = 0;
    return { asked: wanted.length, missing, wrong, stale, expired: expired.length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
    this.#folder[Symbol.dispose]();
  }
}
