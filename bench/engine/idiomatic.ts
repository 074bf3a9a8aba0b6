/**
 * A server with the same rules, written in the usual TypeScript way: Buffer, Map, strings, a new Buffer per reply. The
 * engine is compared with it.
 */

interface Node {
  address: string;
  port: number;
  announced: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export interface Limits {
  source: { rate: number; burst: number };
  node: { rate: number; burst: number };
  new: { rate: number; burst: number };
}

const ANNOUNCEMENT = 0x20121025;
const QUERY = 0x19760309;
const RETENTION = 3_600_000;

type Message = { type: "query"; nodeId: string } | { type: "announcement"; nodeId: string; port: number; ip: Buffer };

/** Decodes a packet. Throws an Error if it is invalid. */
function decode(packet: Buffer): Message {
  if (packet.length < 4) throw new Error("short");
  const magic = packet.readUInt32BE(0);
  if (magic === QUERY) {
    const length = packet.readUInt32BE(4);
    if (length > packet.length - 8) throw new Error("bad NodeID length");
    if (packet.length !== 8 + Math.ceil(length / 4) * 4) throw new Error("bad size");
    return { type: "query", nodeId: packet.toString("latin1", 8, 8 + length) };
  }
  if (magic !== ANNOUNCEMENT) throw new Error("bad magic");
  if (packet.readUInt16BE(6) !== 0) throw new Error("bad reserved");
  const length = packet.readUInt32BE(8);
  if (length > packet.length - 12) throw new Error("bad NodeID length");
  const at = 12 + Math.ceil(length / 4) * 4;
  const ipLength = packet.readUInt32BE(at);
  if (![0, 4, 16].includes(ipLength) || packet.length !== at + 4 + ipLength) throw new Error("bad IP length");
  const nodeId = packet.toString("latin1", 12, 12 + length);
  return { type: "announcement", nodeId, port: packet.readUInt16BE(4), ip: packet.subarray(at + 4) };
}

/** Encodes an announcement. */
function encode(nodeId: string, port: number, ip: Buffer): Buffer {
  const id = Buffer.from(nodeId, "latin1");
  const padding = Buffer.alloc(-id.length & 3);
  const head = Buffer.alloc(12);
  head.writeUInt32BE(ANNOUNCEMENT, 0);
  head.writeUInt16BE(port, 4);
  head.writeUInt32BE(id.length, 8);
  const ipLength = Buffer.alloc(4);
  ipLength.writeUInt32BE(ip.length);
  return Buffer.concat([head, id, padding, ipLength, ip]);
}

export class IdiomaticServer {
  readonly #nodes = new Map<string, Node>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The reply to a packet, or undefined. `address` is IPv4 in text form. */
  handle(packet: Buffer, address: string, now: number): Buffer | undefined {
    let message: Message;
    try {
      message = decode(packet);
    } catch {
      return undefined;
    }
    const { source, node, new: fresh } = this.#limits;
    const network = address.slice(0, address.lastIndexOf("."));
    if (!this.#pass(`s${address}`, source.rate, source.burst, now)) return undefined;
    if (!this.#pass(`S${network}`, source.rate * 32, source.burst * 32, now)) return undefined;
    const known = this.#nodes.get(message.nodeId);
    if (message.type === "query") {
      if (!this.#pass(`n${message.nodeId}`, node.rate, node.burst, now)) return undefined;
      if (known === undefined || now - known.announced >= RETENTION) return undefined;
      return encode(message.nodeId, known.port, Buffer.from(known.address.split(".").map(Number)));
    }
    if (known === undefined && !this.#pass(`f${address}`, fresh.rate, fresh.burst, now)) return undefined;
    this.#nodes.set(message.nodeId, { address, port: message.port, announced: now });
    return undefined;
  }

  #pass(key: string, rate: number, burst: number, now: number): boolean {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: burst, at: now };
      this.#buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * rate);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}
