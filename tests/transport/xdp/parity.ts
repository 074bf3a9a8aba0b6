/**
 * Compares two transports, as a program in the virtual host of the second one: `parity.ts OPTIONS`, with {@link ParityOptions} as
 * JSON. Both get the same packets at the same times. Prints {@link ParityResult} as JSON.
 *
 * The packets come in groups of one family and one way: plain ones, which the transport xdp takes from the kernel, or ones that it
 * leaves to the kernel's sockets. Within a group each transport keeps the order. The next group is sent when both have handled the
 * last one. So nothing is lost, and it does not matter how many datagrams a transport finds at once.
 */
import { dlopen } from "bun:ffi";
import { readFileSync } from "node:fs";
import {
  H_LANES_AT,
  KEY_SIZE,
  LANE_SIZE,
  LANE_SLOTS,
  RECORD_STEP,
  VERDICT_ANSWERED,
} from "../../../assembly/layout.ts";
import { createEngineMemory, defaultEngineOptions, type EngineBackend, VERDICTS } from "../../../src/engine/index.ts";
import { DEFAULT_RECEIVE_BUFFER } from "../../../src/transport/socket.ts";
import { XdpControl } from "../../../src/transport/xdp/control.ts";
import type { Borrower } from "../../../src/transport/xdp/queue.ts";
import { FrameBatch, Link, type ReceivedFrame } from "../../support/link/link.ts";
import { folded, pseudoHeaderSum, sumOf } from "../../support/link/sums.ts";
import { insideNamespace } from "../../support/namespace.ts";
import { Random } from "../../support/random.ts";
import { until } from "../../support/time-limits.ts";
import { Recording } from "../recording.ts";
import { Running } from "../transports.ts";
import { packetsOfKernel } from "./kernel.ts";
import { PORT, SERVER } from "./network.ts";
import type { Kind } from "./site.ts";
import { type Group, Traffic } from "./traffic.ts";

export interface SideOptions {
  readonly kind: Kind;
  readonly engine: EngineBackend;
  /** The network namespace of its host. */
  readonly namespace: string;
  /** The test's end of its cable. */
  readonly end: { readonly namespace: string; readonly name: string };
}

export interface ParityOptions {
  /** Number of random packets, after the vectors. */
  readonly packets: number;
  readonly seed: number;
  readonly sides: readonly [SideOptions, SideOptions];
}

export interface ParityResult {
  /** Packets that were compared. */
  readonly packets: number;
  /** Number of packets per verdict. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Packets that the second transport was meant to leave to the kernel, and packets that its kernel received. */
  readonly passed: number;
  readonly kernel: number;
  readonly difference?: string;
}

/** Frames of a group: fewer than a veth keeps for a program of XDP, so that none is lost. */
const GROUP = 128;
/** Groups after which replies and memories are compared. */
const ROUND = 16;
const WAIT_MS = 10_000;
const RETENTION_MS = 5000;
/** More than any frame here. */
const FRAME_ROOM = 1536;

const VECTORS: readonly Uint8Array[] = ["v1", "v1-oracle"].flatMap((name) =>
  readFileSync(new URL(`../../vectors/${name}.jsonl`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => Uint8Array.fromHex(JSON.parse(line).hex)),
);

/** One transport in a worker, and a link to it. */
class Side {
  readonly link: Link;
  readonly recording: Recording;
  readonly #running: Running;
  readonly #control: XdpControl | undefined;
  readonly #bytes: Uint8Array;
  /** Where what depends on the size of batches begins and ends: the lane's counts of batches, and its slots. */
  readonly #excluded: readonly (readonly [number, number])[];

  private constructor(
    link: Link,
    recording: Recording,
    running: Running,
    memory: SharedArrayBuffer,
    control: XdpControl | undefined,
  ) {
    this.#control = control;
    this.link = link;
    this.recording = recording;
    this.#running = running;
    this.#bytes = new Uint8Array(memory);
    const lane = new Uint32Array(memory)[H_LANES_AT >>> 2]!;
    this.#excluded = [
      [lane, lane + RECORD_STEP],
      [lane + LANE_SLOTS, lane + LANE_SIZE],
    ];
  }

  static async open({ kind, engine, namespace, end }: SideOptions, packets: number): Promise<Side> {
    // Limits are exceeded, the registry is full and nodes expire within thousands of packets.
    const memory = createEngineMemory({
      ...defaultEngineOptions(),
      lanes: 1,
      capacity: 300,
      retentionMs: RETENTION_MS,
      source: { rate: 40, burst: 25 },
      node: { rate: 40, burst: 25 },
      new: { rate: 20, burst: 15 },
      limiterSets: 64,
      shards: 8,
      key: new Random(1).bytes(KEY_SIZE),
    });
    const recording = new Recording(packets);
    const link = insideNamespace(end.namespace, () => new Link(end.name));
    const running = await Running.open(kind, {
      engine,
      memory,
      namespace,
      recording: recording.buffer,
      hosts: [SERVER.v4, SERVER.v6],
      port: PORT,
    });
    const control = kind === "xdp" ? await lendQueue(running) : undefined;
    return new Side(link, recording, running, memory.buffer as unknown as SharedArrayBuffer, control);
  }

  /** The memory without what depends on the size of batches. */
  get image(): Uint8Array[] {
    const [[a, b], [c, d]] = this.#excluded as [[number, number], [number, number]];
    return [this.#bytes.subarray(0, a), this.#bytes.subarray(b, c), this.#bytes.subarray(d)];
  }

  /** The next `count` replies, sorted: those of different processors may overtake each other. @throws {Error} if one is wrong */
  replies(count: number): string[] {
    const replies: string[] = [];
    const end = performance.now() + WAIT_MS;
    while (replies.length < count && performance.now() < end) {
      for (const frame of this.link.receive(100)) {
        const reply = replyIn(frame);
        if (reply !== undefined) replies.push(reply);
      }
    }
    return replies.sort();
  }

  async close(): Promise<void> {
    this.link[Symbol.dispose]();
    this.#control?.detach();
    await this.#running[Symbol.asyncDispose]();
    this.#control?.close();
  }
}

/** Has a transport xdp serve the queue of the interface in this process's host. */
async function lendQueue(running: Running): Promise<XdpControl> {
  const { addresses, port } = running;
  const control = new XdpControl({
    interface: "a0",
    port,
    addresses,
    workers: 1,
    receiveBuffer: DEFAULT_RECEIVE_BUFFER,
  });
  const borrower: Borrower = {
    lend: (loan) => void running.lend(loan).then(() => control.lent(0, loan.number)),
    giveBack() {},
    ended: running.ended.then(() => {}),
  };
  control.offer(0, borrower);
  await until(() => control.settled, "the queue to be served");
  if (control.status.served !== 1) throw new Error(`the queue is not served: ${control.status.problem}`);
  return control;
}

/** Addresses, ports and payload of a reply. @returns undefined if it is another frame @throws {Error} if its checksum is wrong */
function replyIn({ bytes, checksumNotReady }: ReceivedFrame): string | undefined {
  const v6 = bytes[12] === 0x86;
  const [from, udp] = v6 ? [22, 54] : [26, 34];
  if (bytes[v6 ? 20 : 23] !== 17 || ((bytes[udp]! << 8) | bytes[udp + 1]!) !== PORT) return undefined;
  const half = (udp - from) / 2;
  const length = bytes.length - udp;
  const pseudo = pseudoHeaderSum(bytes.subarray(from, from + half), bytes.subarray(from + half, udp), 17, length);
  if (!checksumNotReady && folded(pseudo + sumOf(bytes, udp, bytes.length)) !== 0xffff) {
    throw new Error(`a reply with a wrong checksum: ${bytes.toHex()}`);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return text.toString("latin1", from, udp + 4) + text.toString("latin1", udp + 8);
}

/** Keeps this thread on one processor: frames that are sent from different ones may overtake each other. */
function pin(): void {
  const { symbols } = dlopen("libc.so.6", {
    sched_getcpu: { args: [], returns: "i32" },
    sched_setaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
  });
  const mask = new Uint8Array(128);
  const processor = symbols.sched_getcpu();
  mask[processor >>> 3] = 1 << (processor & 7);
  if (symbols.sched_setaffinity(0, mask.length, mask) !== 0) throw new Error("sched_setaffinity failed");
}

async function compare({ packets, seed, sides: options }: ParityOptions): Promise<ParityResult> {
  const most = packets + 4 * VECTORS.length;
  const sides: readonly [Side, Side] = [await Side.open(options[0], most), await Side.open(options[1], most)];
  const traffic = new Traffic(seed);
  const kernel = packetsOfKernel();
  const batch = new FrameBatch(GROUP, FRAME_ROOM);
  let expected = 0;
  let compared = 0;
  let passed = 0;
  let groups = 0;
  let now = 1_400_000_000_000;
  const difference = run();
  const verdicts = Object.fromEntries(VERDICTS.map((name) => [name, 0]));
  for (const verdict of sides[1].recording.verdicts) verdicts[VERDICTS[verdict]!]!++;
  const result = { packets: compared, verdicts, passed, kernel: packetsOfKernel() - kernel };
  await Promise.all(sides.map((side) => side.close()));
  return difference === undefined ? result : { ...result, difference };

  function run(): string | undefined {
    for (const v6 of [false, true]) {
      for (const way of [false, true]) {
        for (let i = 0; i < VECTORS.length; i += GROUP) {
          const some = VECTORS.slice(i, i + GROUP);
          const what = send(traffic.of(batch, { v6, passed: way }, some));
          if (what !== undefined) return what;
        }
      }
    }
    for (let left = packets; left > 0; left -= GROUP) {
      const what = send(traffic.random(batch, Math.min(GROUP, left)));
      if (what !== undefined) return what;
    }
    return compareRound();
  }

  /** Sends the batch to both sides, and waits until they have handled it. */
  function send(group: Group): string | undefined {
    expected += group.valid;
    if (group.passed) passed += batch.count;
    now += traffic.step(RETENTION_MS);
    for (const { recording, link } of sides) {
      recording.now = now;
      link.sendBatch(batch);
    }
    batch.count = 0;
    for (const [i, { recording }] of sides.entries()) {
      if (!recording.wait(expected, WAIT_MS)) {
        return `${options[i]!.kind} has handled ${recording.count} of ${expected} packets: ${JSON.stringify(group)}`;
      }
    }
    return ++groups % ROUND === 0 ? compareRound() : undefined;
  }

  function compareRound(): string | undefined {
    const [one, other] = sides;
    if (one.recording.count !== other.recording.count)
      return `${one.recording.count} and ${other.recording.count} packets`;
    const [verdicts, others] = [one.recording.verdicts.subarray(compared), other.recording.verdicts.subarray(compared)];
    const at = verdicts.findIndex((verdict, i) => verdict !== others[i]);
    if (at >= 0) return `packet ${compared + at}: ${VERDICTS[verdicts[at]!]} and ${VERDICTS[others[at]!]}`;
    const answered = verdicts.reduce((sum, verdict) => sum + (verdict === VERDICT_ANSWERED ? 1 : 0), 0);
    const [replies, otherReplies] = [one.replies(answered), other.replies(answered)];
    if (replies.length !== answered) return `${replies.length} of ${answered} replies by ${options[0].kind}`;
    if (otherReplies.length !== answered) return `${otherReplies.length} of ${answered} replies by ${options[1].kind}`;
    const reply = replies.findIndex((text, i) => text !== otherReplies[i]);
    const inHex = (text: string) => Buffer.from(text, "latin1").toHex();
    if (reply >= 0)
      return `a reply after packet ${compared}: ${inHex(replies[reply]!)} and ${inHex(otherReplies[reply]!)}`;
    for (const [i, part] of one.image.entries()) {
      if (Buffer.compare(part, other.image[i]!) !== 0) {
        const byte = part.findIndex((value, at) => value !== other.image[i]![at]);
        return `part ${i} of the memory at ${byte} after packet ${compared}`;
      }
    }
    compared += verdicts.length;
    return undefined;
  }
}

pin();
console.log(JSON.stringify(await compare(JSON.parse(process.argv[2]!))));
process.exit(0);
