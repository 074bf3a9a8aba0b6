/**
 * Simulated nodes, as a program in their host. The first argument is a {@link Simulation} as JSON. Each node announces itself as a
 * real one does if no new node appears: once when it starts, and then at a regular interval, to the same destinations, from an
 * address of its own. Ends when its standard input does.
 */
import { createCodec } from "../../src/codec/index.ts";
import { addressWords, Frames } from "../abuse/frames.ts";
import { PacketSocket } from "../abuse/packet-socket.ts";
import { announcement } from "../packets.ts";

export interface Simulation {
  readonly nodes: number;
  /** The nodes start within this time, in ms. */
  readonly spread: number;
  /** Between two announcements of a node, in ms. */
  readonly interval: number;
  /** The destinations of a real node as in its `announced` events: `10.1.255.255:21025`, `[ff02::1%eth0]:21025`. */
  readonly destinations: readonly string[];
}

const INTERFACE = "eth0";
/** How often it looks which nodes are due, in ms. */
const TICK = 5;

const codec = createCodec({ backend: "ts" });

/** The way to one destination. Its one frame is rewritten for each packet. */
class Destination {
  readonly #frames: Frames;
  readonly #socket: PacketSocket;
  readonly #v6: boolean;
  readonly #sources: Int32Array;

  constructor(text: string, nodes: number) {
    const [, ip, port] = /^\[?([^%\]]+?)(?:%.*)?\]?:(\d+)$/.exec(text)!;
    this.#v6 = ip!.includes(":");
    this.#frames = new Frames(1, {
      family: this.#v6 ? "v6" : "v4",
      destinationMac: this.#v6 ? multicastMac(ip!) : "ff:ff:ff:ff:ff:ff",
      destination: ip!,
      sourcePort: Number(port),
      destinationPort: Number(port),
      payloads: Array.from({ length: nodes }, (_, n) => codec.encode(announcement(n))),
    });
    this.#sources = Int32Array.from(
      Array.from({ length: nodes }, (_, n) => [...addressWords(sourceOf(n, this.#v6))]).flat(),
    );
    this.#socket = new PacketSocket(INTERFACE, this.#frames);
  }

  announce(node: number): void {
    this.#frames.setPayload(0, node);
    if (this.#v6) this.#frames.setSource6(0, this.#sources, node * 4);
    else this.#frames.setSource4(0, this.#sources[node]!);
    this.#socket.send(1);
  }
}

/** An address of the first LAN that no host has. */
function sourceOf(node: number, v6: boolean): string {
  return v6 ? `fe80::5:${(node + 1).toString(16)}` : `10.1.${16 + (node >> 8)}.${node & 255}`;
}

/** RFC 2464 §7: 33:33 and the last four bytes of the group. */
function multicastMac(group: string): string {
  const last = new Uint8Array(addressWords(group).buffer).subarray(12);
  return ["33", "33", ...[...last].map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

const { nodes, spread, interval, destinations }: Simulation = JSON.parse(process.argv[2]!);
const ways = destinations.map((text) => new Destination(text, nodes));
const start = performance.now();
const due = Array.from({ length: nodes }, (_, n) => start + (n * spread) / nodes);
/** Each node's times are its own, as those of nodes that have run for long. */
const second = due.map((at) => at + Math.random() * interval);
setInterval(() => {
  const now = performance.now();
  for (let n = 0; n < nodes; n++) {
    if (now < due[n]!) continue;
    for (const way of ways) way.announce(n);
    due[n] = due[n]! < second[n]! ? second[n]! : due[n]! + interval;
  }
}, TICK);
for await (const _ of Bun.stdin.stream());
process.exit(0);
