/** A server that is killed in the midst of announcements, and a client that keeps account of what it had handled. */
import { MAIN } from "../support/command.ts";
import { Folder } from "../support/folder.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";

/** Seconds. So short that what was announced in one life is over in the next but one. */
const RETENTION = 5;
/** What was handled so long before a kill must be known after it. */
const SAFE_MS = 1000;
const NODES = 8000;
/** One in so many nodes is asked for after its announcement, which shows that it was handled. */
const SAMPLE = 8;
/** Nodes that are announced once in each life, at its beginning, and others that are in one life of four. */
const ONCE = 200;
const SELDOM = 200;
const LIVES = 4;
const BATCH = 64;

export interface SoakResult {
  /** Announcements handled a second, as far as those tell that were asked for. */
  handled: number;
  asked: number;
  /** Handled SAFE_MS before the kill, and not answered after it, or with what was announced before that. */
  missing: number;
  /** Answered with what was never announced. */
  wrong: number;
  /** Answered after the retention, of so many asked for that are over. */
  stale: number;
  over: number;
  restored: number;
  restoreMs: number;
}

/** What is known of a node. Its port tells which of its announcements an answer is about. */
interface Node {
  readonly id: Uint8Array<ArrayBuffer>;
  readonly query: Uint8Array<ArrayBuffer>;
  /** When its announcements were sent, by port. */
  readonly sent: Map<number, number>;
  /** Ports that answers showed in this life, and when. */
  readonly answers: [port: number, at: number][];
}

export class Killed implements AsyncDisposable {
  readonly #rate: number;
  readonly #random: Random;
  readonly #folder = new Folder();
  readonly #nodes: Node[];
  readonly #byId = new Map<string, Node>();
  #child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
  #socket!: Bun.udp.Socket<"buffer">;
  #port = 0;
  #restored = 0;
  #heard: (node: Node, port: number) => void = () => {};
  #life = 0;

  private constructor(rate: number, seed: number) {
    this.#rate = rate;
    this.#random = new Random(seed);
    this.#nodes = Array.from({ length: NODES + ONCE + SELDOM }, (_, i) => {
      const id = ascii(`NODE-${i}-${"A".repeat(40)}`);
      return { id, query: query(id), sent: new Map(), answers: [] };
    });
    for (const node of this.#nodes) this.#byId.set(node.id.toHex(), node);
  }

  static async create(rate: number, seed: number): Promise<Killed> {
    const soak = new Killed(rate, seed);
    soak.#socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data(_socket, reply) {
          const length = reply.readUInt32BE(8);
          const node = soak.#byId.get(reply.subarray(12, 12 + length).toHex());
          if (node) soak.#heard(node, reply.readUInt16BE(4));
        },
        error() {},
      },
    });
    await soak.#start();
    return soak;
  }

  static add(sum: SoakResult | undefined, next: SoakResult): SoakResult {
    if (!sum) return next;
    const names = Object.keys(next) as (keyof SoakResult)[];
    const total = Object.fromEntries(names.map((name) => [name, sum[name] + next[name]])) as unknown as SoakResult;
    // Of these the least, and the longest.
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

  /** Announces for a while, kills, starts again and asks. */
  async kill(): Promise<SoakResult> {
    const handled = await this.#announce(1300 + this.#random.below(600));
    const killedAt = Date.now();
    this.#child!.kill("SIGKILL");
    await this.#child!.exited;
    const safe = this.#nodes.map((node) => node.answers.findLast(([, at]) => at < killedAt - SAFE_MS)?.[0] ?? 0);
    const restoreMs = await this.#start();
    const result = await this.#askAll(safe);
    return { ...result, handled, restored: this.#restored, restoreMs: Math.round(restoreMs) };
  }

  /** Announces nodes round about at the rate that was asked for; returns how many a second were handled. */
  async #announce(ms: number): Promise<number> {
    this.#life++;
    let asked = 0;
    let answered = 0;
    this.#heard = (node, port) => {
      answered++;
      node.answers.push([port, Date.now()]);
    };
    const began = performance.now();
    const first = this.#life % LIVES === 1 ? ONCE + SELDOM : ONCE;
    let sent = 0;
    for (let elapsed = 0; elapsed < ms; elapsed = performance.now() - began) {
      const due = Math.min(Math.floor((elapsed * this.#rate) / 1000) - sent, 1000);
      const packets: Uint8Array[] = [];
      for (let i = 0; i < due; i++, sent++) {
        const which = sent < first ? NODES + sent : sent % NODES;
        const node = this.#nodes[which]!;
        // A port that this node did not have for a long time.
        const port = 1 + ((this.#life * 997 + Math.floor(sent / NODES) * 13 + which) % 60_000);
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
      // An error that the server's last life left behind; who asks asks again.
    }
  }

  /** Asks for all nodes, those without an answer again. */
  async #askAll(safe: readonly number[]): Promise<Omit<SoakResult, "handled" | "restored" | "restoreMs">> {
    const answers = new Map<Node, number>();
    let stale = 0;
    let wrong = 0;
    this.#heard = (node, port) => {
      const at = node.sent.get(port);
      // It was handled some time after it was sent: that much later it may be answered.
      if (at === undefined) wrong++;
      else if (Date.now() - at > RETENTION * 1000 + 500) stale++;
      answers.set(node, port);
    };
    const over = this.#nodes.filter(({ sent }) => Date.now() - Math.max(0, ...sent.values()) > RETENTION * 1000 + 500);
    const wanted = this.#nodes.filter((_, i) => safe[i] !== 0);
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
      const least = safe[i]!;
      if (least === 0) return;
      const port = answers.get(node);
      const [then, now] = [node.sent.get(least)!, port === undefined ? -1 : (node.sent.get(port) ?? -1)];
      // What its own announcement is too old for by now nobody has to answer.
      if (now < then && Date.now() - then < RETENTION * 1000 - 500) missing++;
    });
    for (const node of this.#nodes) node.answers.length = 0;
    return { asked: wanted.length, missing, wrong, stale, over: over.length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
    this.#folder[Symbol.dispose]();
  }
}
