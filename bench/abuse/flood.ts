/**
 * An attack, as a program in the attacker's namespace. The first argument is a {@link Flood} as JSON. It sends until its standard
 * input ends, then prints a {@link FloodResult} as JSON. When it has sent its first packets, it sends a message over IPC.
 */
import { createCodec } from "../../src/codec/index.ts";
import { announcement, ID_LENGTH, nodeId, query } from "../packets.ts";
import { ATTACKER_INTERFACE, type Family, SERVER, SERVER_MAC } from "./addresses.ts";
import { addressWords, Frames } from "./frames.ts";
import { PacketSocket } from "./packet-socket.ts";

/** The packets of an attack. */
export type Payload =
  /** Queries for one node. */
  | { readonly what: "query"; readonly node: number }
  /** Queries for nodes 0 to `nodes` - 1 in turn. */
  | { readonly what: "queries"; readonly nodes: number }
  /** Announcements of nodes 0 to `nodes` - 1 in turn. */
  | { readonly what: "announcements"; readonly nodes: number }
  /** Announcements of NodeIDs that nobody announced before, numbered from `first` on, each sent `times` times. */
  | { readonly what: "new"; readonly times: 1 | 2; readonly first: number }
  /** Datagrams that are no packets of the protocol. */
  | { readonly what: "garbage" };

export interface Flood {
  readonly family: Family;
  readonly port: number;
  /** Source addresses, used in turn; or a new random IPv4 address for each packet. */
  readonly sources: readonly string[] | "random";
  readonly payload: Payload;
  /** Packets per second; 0: as many as possible. */
  readonly rate: number;
  /** It ends after this time even if its standard input stays open. */
  readonly maxSeconds: number;
}

export interface FloodResult {
  readonly sent: number;
  readonly seconds: number;
}

/** Frames per system call. */
const BATCH = 128;
/** How long it sends between two looks at the event loop. */
const TURN_MS = 5;
/** Any port but 0. */
const SOURCE_PORT = 40_000;
/** Where the NodeID is in an announcement. */
const ID_AT = 12;

function payloadsOf(payload: Payload): Uint8Array[] {
  const codec = createCodec({ backend: "ts" });
  const nodes = (count: number) => Array.from({ length: count }, (_, n) => n);
  switch (payload.what) {
    case "query":
      return [codec.encode(query(payload.node))];
    case "queries":
      return nodes(payload.nodes).map((n) => codec.encode(query(n)));
    case "announcements":
      return nodes(payload.nodes).map((n) => codec.encode(announcement(n)));
    case "new":
      return [codec.encode(announcement(0))];
    case "garbage":
      return [nodeId(0).subarray(0, ID_LENGTH)];
  }
}

/** Random addresses, but none of a private network of this bench and none that a kernel refuses. The sequence is fixed. */
class RandomAddresses {
  #state = 0x2545f491;

  /** An IPv4 address as a word of memory. */
  next(): number {
    for (;;) {
      let x = this.#state;
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      this.#state = x;
      const first = x & 0xff;
      if (first !== 0 && first !== 10 && first !== 127 && first < 224) return x;
    }
  }
}

class Sender {
  sent = 0;
  readonly #socket: PacketSocket;
  readonly #frames: Frames;
  readonly #flood: Flood;
  readonly #payloads: number;
  readonly #addresses: Int32Array;
  readonly #random = new RandomAddresses();
  /** Frames written so far: chooses source, payload and NodeID. */
  #written = 0;

  constructor(flood: Flood) {
    const { family, payload, sources } = flood;
    const payloads = payloadsOf(payload);
    this.#flood = flood;
    this.#payloads = payloads.length;
    this.#frames = new Frames(BATCH, {
      family,
      destinationMac: SERVER_MAC,
      destination: SERVER[family],
      sourcePort: SOURCE_PORT,
      destinationPort: flood.port,
      payloads,
      stampAt: payload.what === "new" ? ID_AT : undefined,
    });
    const words = sources === "random" ? [] : sources.map(addressWords);
    this.#addresses = Int32Array.from(words.flatMap((address) => [...address]));
    this.#socket = new PacketSocket(ATTACKER_INTERFACE, this.#frames);
  }

  /** Sends `count` packets, BATCH at most. */
  send(count: number): void {
    const { payload } = this.#flood;
    const times = payload.what === "new" ? payload.times : 1;
    const distinct = Math.max(1, Math.floor(count / times));
    for (let i = 0; i < distinct; i++) this.#write(i);
    for (let time = 0; time < times; time++) {
      for (let sent = 0; sent === 0; ) sent = this.#socket.send(distinct);
      this.sent += distinct;
    }
  }

  #write(i: number): void {
    const { family, sources, payload } = this.#flood;
    const n = this.#written++;
    if (this.#payloads > 1) this.#frames.setPayload(i, n % this.#payloads);
    if (payload.what === "new") this.#frames.stamp(i, payload.first + n);
    if (sources === "random") this.#frames.setSource4(i, this.#random.next());
    else if (family === "v4") this.#frames.setSource4(i, this.#addresses[n % sources.length]!);
    else this.#frames.setSource6(i, this.#addresses, (n % sources.length) * 4);
  }
}

/**
 * @param begun - called when the first packets are sent
 * @param stopped - whether the attack should end
 */
async function run(flood: Flood, begun: () => void, stopped: () => boolean): Promise<FloodResult> {
  const sender = new Sender(flood);
  const { rate, maxSeconds } = flood;
  const start = performance.now();
  let turn = start;
  let now = start;
  while (!stopped() && now < start + maxSeconds * 1000) {
    const due = rate === 0 ? BATCH : Math.floor(((now - start) * rate) / 1000) - sender.sent;
    if (due > 0) {
      const isFirst = sender.sent === 0;
      sender.send(Math.min(due, BATCH));
      if (isFirst) begun();
    }
    if (due < BATCH) await Bun.sleep(1);
    else if (now - turn > TURN_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      turn = now;
    }
    now = performance.now();
  }
  return { sent: sender.sent, seconds: (now - start) / 1000 };
}

if (import.meta.main) {
  let ended = false;
  void (async () => {
    for await (const _ of Bun.stdin.stream());
    ended = true;
  })();
  console.log(
    JSON.stringify(
      await run(
        JSON.parse(process.argv[2]!),
        () => process.send!("sending"),
        () => ended,
      ),
    ),
  );
  process.exit(0);
}
