/** Asks the server as a client does: announces a node of its own through a real socket, and queries it. */
import { type Codec, createCodec } from "../../codec/index.ts";
import type { NodeReader } from "../../engine/index.ts";
import { isIpv4, isWildcard, parseAddress } from "../../transport/host.ts";
import type { ReadinessCheck } from "../inspect.ts";
import { machineSecret } from "./own-node.ts";

/** When the packets are sent, in ms: under a flood some of them may be lost. */
const ATTEMPTS = [0, 150, 350, 650];
const TIMEOUT_MS = 1000;
/** Length of the NodeID, if `maxIdLength` allows it: no other node has the same one then. */
const ID_LENGTH = 16;
/** How often chance may choose a free entry, or a NodeID that another node has. */
const CHOICES = 100;

/** The source of the probes of one server where it listens on IPv4: 127.0.0.0/8 without its first and last address. */
export function probeSource(): string {
  const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
  return `127.${a}.${b}.${1 + (c! % 254)}`;
}

export interface ProbeOptions {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly maxIdLength: number;
  /** See {@link probeSource}. No limit may apply to it. */
  readonly source: string;
  readonly reader: Pick<NodeReader, "read" | "sample">;
  /** The engine's time. */
  readonly now: () => number;
  /** Whether the registry has no room. */
  readonly full: () => boolean;
}

/** Where a probe is sent, and where it comes from. */
interface Path {
  readonly from: string;
  readonly to: string;
}

export class Probe {
  readonly #options: ProbeOptions;
  readonly #codec: Codec = createCodec({ backend: "ts" });
  /** The announced port: it stays the same, so that only the first announcement is news to the limits. */
  readonly #port: number;
  /** The NodeID of the server's own node; undefined if other nodes have all NodeIDs that chance has chosen. */
  #nodeId: Uint8Array | undefined;

  constructor(options: ProbeOptions) {
    this.#options = options;
    const secret = machineSecret(`whereabouts probe ${options.port}`);
    this.#nodeId = secret.slice(0, Math.min(ID_LENGTH, options.maxIdLength));
    this.#port = 1 + (new DataView(secret.buffer, secret.byteOffset).getUint16(ID_LENGTH) % 65535);
  }

  /** The result for all addresses. Never rejects. */
  async run(): Promise<ReadinessCheck> {
    const paths = this.#options.addresses.flatMap((address) => pathTo(address, this.#options.source) ?? []);
    if (paths.length === 0) {
      return result(true, "not tried: from link-local addresses, servers take no announcements");
    }
    this.#avoidOthers();
    const began = performance.now();
    const failures = (await Promise.all(paths.map((path) => this.#ask(path)))).filter((text) => text !== undefined);
    if (failures.length > 0) return result(false, failures.join("; "));
    const ms = Math.ceil(performance.now() - began);
    return result(true, `an announcement and a query of the server's own were answered within ${ms} ms`);
  }

  /** @returns what went wrong */
  async #ask({ from, to }: Path): Promise<string | undefined> {
    const answered = Promise.withResolvers<true>();
    const expected = this.#nodeId === undefined ? [] : [this.#encode(this.#nodeId)];
    let socket: Bun.udp.Socket<"buffer"> | undefined;
    try {
      socket = await openSocket(from, (datagram) => {
        if (expected.some(({ nodeId, port }) => this.#isReply(datagram, nodeId, port))) answered.resolve(true);
      });
      const began = performance.now();
      for (const at of ATTEMPTS) {
        if (await within(began + at, answered.promise)) return undefined;
        const known = this.#another();
        if (known !== undefined) expected.push(known);
        for (const { packets } of expected) for (const packet of packets) send(socket, packet, this.#options.port, to);
      }
      if (await within(began + TIMEOUT_MS, answered.promise)) return undefined;
      const limits = from.includes(":") ? "; limits apply to it on IPv6 alone, and --allow ::1 exempts it" : "";
      return `${to} did not answer an announcement and a query of the server's own within ${TIMEOUT_MS / 1000} s${limits}`;
    } catch (error) {
      return `cannot ask ${to} from ${from}: ${(error as Error).message}`;
    } finally {
      socket?.close();
    }
  }

  /** A node announced twice is confirmed: a full registry keeps it. */
  #encode(nodeId: Uint8Array) {
    const announcement = this.#codec.encode({ type: "announcement", nodeId, port: this.#port, ip: new Uint8Array() });
    const query = this.#codec.encode({ type: "query", nodeId });
    return { nodeId, port: this.#port, packets: [announcement, announcement, query] };
  }

  /** A query for another node, if there is no room for one of the server's own. */
  #another() {
    const { full, reader, now } = this.#options;
    if (this.#nodeId !== undefined && !full()) return undefined;
    for (let left = CHOICES; left > 0; left--) {
      const nodeId = reader.sample();
      const entry = nodeId && reader.read(nodeId, now());
      if (entry === undefined || entry === "busy") continue;
      return { nodeId: nodeId!, port: entry.port, packets: [this.#codec.encode({ type: "query", nodeId: nodeId! })] };
    }
    return undefined;
  }

  #isReply(datagram: Uint8Array, nodeId: Uint8Array, port: number): boolean {
    const decoded = this.#codec.tryDecode(datagram);
    if (!decoded.ok || decoded.packet.type !== "announcement" || decoded.packet.port !== port) return false;
    return Buffer.compare(decoded.packet.nodeId, nodeId) === 0;
  }

  /** Where NodeIDs are so short that another node may have the same one, takes one that no node has. */
  #avoidOthers(): void {
    for (let left = CHOICES; left > 0 && this.#isTaken(this.#nodeId); left--) this.#nodeId = this.#randomId();
    if (this.#isTaken(this.#nodeId)) this.#nodeId = undefined;
  }

  #isTaken(nodeId: Uint8Array | undefined): boolean {
    const { reader, now } = this.#options;
    if (nodeId?.length === ID_LENGTH) return false;
    const entry = nodeId && reader.read(nodeId, now());
    return nodeId === undefined || (entry !== undefined && (entry === "busy" || entry.port !== this.#port));
  }

  #randomId(): Uint8Array {
    return crypto.getRandomValues(new Uint8Array(Math.min(ID_LENGTH, this.#options.maxIdLength)));
  }
}

function result(ok: boolean, text: string): ReadinessCheck {
  return { name: "probe", ok, text };
}

/** @returns undefined for a link-local address: the server takes no announcements from those. */
function pathTo(address: string, source: string): Path | undefined {
  const host = parseAddress(address);
  const wildcard = isWildcard(host);
  // Linux sends datagrams from 127.0.0.0/8 to all addresses of the host itself.
  if (isIpv4(host) || (wildcard && !host.ipv4)) {
    const to = wildcard ? "127.0.0.1" : address.replace(/^::ffff:/i, "");
    return { from: source, to };
  }
  if (host.bytes[0] === 0xfe && (host.bytes[1]! & 0xc0) === 0x80) return undefined;
  return { from: "::1", to: address };
}

async function openSocket(from: string, onDatagram: (datagram: Uint8Array) => void) {
  const socket = { data: (_: unknown, datagram: Buffer) => onDatagram(datagram), error() {} };
  try {
    return await Bun.udpSocket({ hostname: from, socket });
  } catch (error) {
    // Only Linux has all addresses of 127.0.0.0/8.
    if (from.includes(":")) throw error;
    return await Bun.udpSocket({ hostname: "127.0.0.1", socket });
  }
}

/** The error of an earlier datagram may be thrown here, when no worker listened. */
function send(socket: Bun.udp.Socket<"buffer">, packet: Uint8Array, port: number, to: string): void {
  try {
    socket.send(packet, port, to);
  } catch {}
}

/** Waits until a time of `performance.now()`, or until the reply is there. */
async function within(until: number, answered: Promise<true>): Promise<boolean> {
  const ms = until - performance.now();
  return ms > 0 && (await Promise.race([answered, Bun.sleep(ms).then(() => false)]));
}
