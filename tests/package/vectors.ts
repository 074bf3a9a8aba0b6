/**
 * Compares the package with the original decoder, vector by vector. It runs in every environment that the package is
 * for. So it imports nothing else and uses no API of a runtime: it gets the vectors as text and returns a report.
 */
import {
  type Codec,
  type CodecBackend,
  createCodec,
  type DecodeResult,
  type Packet,
  PacketError,
  PacketFields,
} from "whereabouts/codec";
import { decode, encode, XdrError, type XdrReader } from "whereabouts/xdr";
import { compile, parseFilesSync } from "whereabouts/xdr/compiler";

interface Vector {
  readonly hex: string;
  readonly ok: boolean;
  readonly type?: Packet["type"];
  readonly nodeId?: string;
  readonly port?: number;
  readonly ip?: string;
  readonly error?: "bad-magic" | "bad-format";
}

export interface Report {
  /** The number of vectors, and how many of them are packets. */
  readonly vectors: number;
  readonly packets: number;
  /** The first few differences from the original decoder. */
  readonly differences: readonly string[];
}

export interface Examination {
  /** The backends of `createCodec()` and of its batches in this environment. */
  readonly auto: CodecBackend;
  readonly batch: CodecBackend;
  /** A report, or the error message if WebAssembly cannot be loaded. */
  readonly wasm: Report | string;
  readonly ts: Report;
  readonly xdr: Report;
  /** What the XDR compiler makes of a type. */
  readonly compiled: string | undefined;
}

const MAX_DIFFERENCES = 5;

/** @param files - the content of vector files: one vector per line, as JSON */
export function examine(files: readonly string[]): Examination {
  const vectors: Vector[] = files.flatMap((text) =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );
  return {
    auto: createCodec().backend,
    batch: createCodec().batch({ packets: 1, bytes: 64 }).backend,
    wasm: orMessage(() => examineCodec("wasm", vectors)),
    ts: examineCodec("ts", vectors),
    xdr: examineXdr(vectors),
    compiled: /^export type.*$/m.exec(compile(parseFilesSync(["a.x"], () => "typedef string names<9>;")))?.[0],
  };
}

function orMessage<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    return String(error);
  }
}

function examineCodec(backend: CodecBackend, vectors: readonly Vector[]): Report {
  const codec = createCodec({ backend });
  if (codec.backend !== backend) throw new TypeError(`asked for ${backend}, got ${codec.backend}`);
  const many = codec.decodeMany(vectors.map(({ hex }) => bytesOf(hex)));
  const rows = throughBatch(codec, vectors);
  return report(vectors, (vector, at) => {
    const bytes = bytesOf(vector.hex);
    const result = codec.tryDecode(bytes);
    const verdict = result.ok
      ? describe(result.packet)
      : `not a packet: ${result.code === "bad-magic" ? "bad-magic" : "bad-format"}`;
    const all = [
      verdict,
      JSON.stringify(many[at]) === JSON.stringify(result) ? "" : "decodeMany differs",
      JSON.stringify(rows[at]) === JSON.stringify(result) ? "" : "the batch differs",
      thrownBy(codec, bytes) === (result.ok ? undefined : result.code) ? "" : "decode differs",
      result.ok ? codecRoundTrip(codec, bytes, result.packet) : "",
    ];
    return all.filter((text) => text !== "").join(", ");
  });
}

/** Decodes all vectors in one batch. */
function throughBatch(codec: Codec, vectors: readonly Vector[]): readonly DecodeResult[] {
  const list = vectors.map(({ hex }) => bytesOf(hex));
  const batch = codec.batch({ packets: list.length, bytes: list.reduce((sum, { length }) => sum + length, 0) });
  let at = 0;
  for (const [row, datagram] of list.entries()) {
    batch.bytes.set(datagram, at);
    batch.offsets[row] = at;
    batch.lengths[row] = datagram.length;
    at += datagram.length;
  }
  batch.count = list.length;
  if (batch.decode() !== vectors.filter(({ ok }) => ok).length) throw new Error("the batch counted other packets");
  return list.map((_, row) => batch.result(row));
}

function thrownBy(codec: Codec, bytes: Uint8Array): string | undefined {
  try {
    codec.decode(bytes);
    return undefined;
  } catch (error) {
    return error instanceof PacketError ? error.code : `${error}`;
  }
}

function codecRoundTrip(codec: Codec, bytes: Uint8Array, packet: Packet): string {
  const fields = new PacketFields();
  if (!codec.decodeInto(bytes, fields)) return "decodeInto differs";
  const canonical = bytes.slice();
  const end = fields.nodeIdOffset + fields.nodeIdLength;
  canonical.fill(0, end, end + (-end & 3));
  const target = new Uint8Array(bytes.length + 8).fill(255);
  const size = codec.encodeInto(packet, target, 4);
  const around = [...target.subarray(0, 4), ...target.subarray(4 + size)];
  if (hexOf(codec.encode(packet)) !== hexOf(canonical)) return "encode differs";
  if (hexOf(target.subarray(4, 4 + size)) !== hexOf(canonical)) return "encodeInto differs";
  return around.length === 8 && around.every((byte) => byte === 255) ? "" : "encodeInto wrote outside of the packet";
}

/** Reads and writes the packets with the general XDR reader and writer instead of the codec. */
function examineXdr(vectors: readonly Vector[]): Report {
  return report(vectors, ({ hex, ok }) => {
    const bytes = bytesOf(hex);
    try {
      const packet = decode(bytes, readPacket);
      const again = hexOf(encodePacket(packet));
      return again === hex ? describe(packet) : `written as ${again}`;
    } catch (error) {
      if (error instanceof BadMagic) return "not a packet: bad-magic";
      // XDR forbids this, but the protocol allows it.
      if (ok && error instanceof XdrError && error.code === "nonzero-padding") return undefined;
      if (error instanceof XdrError || error instanceof BadFormat) return "not a packet: bad-format";
      return `${error}`;
    }
  });
}

class BadMagic extends Error {}
class BadFormat extends Error {}

const ANNOUNCEMENT = 0x20121025;
const QUERY = 0x19760309;

function readPacket(reader: XdrReader): Packet {
  const magic = reader.uint();
  if (magic === QUERY) return { type: "query", nodeId: reader.opaque(0xffff_ffff) };
  if (magic !== ANNOUNCEMENT) throw new BadMagic();
  const word = reader.uint();
  if ((word & 0xffff) !== 0) throw new BadFormat();
  const nodeId = reader.opaque(0xffff_ffff);
  const ip = reader.opaque(16);
  if (![0, 4, 16].includes(ip.length)) throw new BadFormat();
  return { type: "announcement", nodeId, port: word >>> 16, ip };
}

function encodePacket(packet: Packet): Uint8Array {
  return encode((writer) => {
    writer.uint(packet.type === "query" ? QUERY : ANNOUNCEMENT);
    if (packet.type === "announcement") writer.uint(packet.port * 0x1_0000);
    writer.opaque(packet.nodeId, 0xffff_ffff);
    if (packet.type === "announcement") writer.opaque(packet.ip, 16);
  });
}

/** @param judge - describes the result for a vector like {@link verdictOf}; `undefined` means: any result is right */
function report(vectors: readonly Vector[], judge: (vector: Vector, at: number) => string | undefined): Report {
  const differences: string[] = [];
  vectors.forEach((vector, at) => {
    const verdict = judge(vector, at);
    const wanted = verdictOf(vector);
    if (verdict !== undefined && verdict !== wanted && differences.length < MAX_DIFFERENCES) {
      differences.push(`${vector.hex}: ${verdict}; the original: ${wanted}`);
    }
  });
  return { vectors: vectors.length, packets: vectors.filter(({ ok }) => ok).length, differences };
}

function verdictOf({ ok, error, type, nodeId, port, ip }: Vector): string {
  if (!ok) return `not a packet: ${error}`;
  return type === "query" ? `query ${nodeId}` : `announcement ${nodeId} ${port} ${ip}`;
}

function describe(packet: Packet): string {
  if (packet.type === "query") return `query ${hexOf(packet.nodeId)}`;
  return `announcement ${hexOf(packet.nodeId)} ${packet.port} ${hexOf(packet.ip)}`;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
