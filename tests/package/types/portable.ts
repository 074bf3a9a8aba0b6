/** A user's program for the compiler. It uses much of codec and xdr, and no type of a runtime or of the DOM. */
import {
  type Announcement,
  type Codec,
  createCodec,
  type DecodeResult,
  PACKET_STATUS,
  type Packet,
  type PacketBatch,
  PacketError,
  type PacketErrorCode,
  PacketFields,
  type Query,
} from "whereabouts/codec";
import {
  type ArmValue,
  DEFAULT_MAX_DEPTH,
  decode,
  encode,
  encodeInto,
  MAX_LENGTH,
  type Read,
  type Write,
  XdrError,
  type XdrErrorCode,
  XdrReader,
  XdrWriter,
} from "whereabouts/xdr";

const codec: Codec = createCodec({ backend: "auto" });
const backend: "wasm" | "ts" = codec.backend;

/** Exhaustive: with another type of packet, the default case would not compile. */
export function describe(packet: Packet): string {
  switch (packet.type) {
    case "announcement": {
      const { nodeId, port, ip }: Announcement = packet;
      return `${nodeId.length} ${port.toFixed()} ${ip.length}`;
    }
    case "query": {
      const { nodeId }: Query = packet;
      return `${nodeId.length} ${backend}`;
    }
    default:
      return packet satisfies never;
  }
}

/** The ports that a batch announces, from its columns. */
export function announcedPorts(batch: PacketBatch): Uint32Array {
  return batch.port.subarray(0, batch.count).filter((_, row) => batch.status[row] === PACKET_STATUS.announcement);
}

const REASONS: Record<PacketErrorCode, string> = {
  short: "short",
  "bad-magic": "magic",
  "bad-reserved": "reserved",
  "bad-id-length": "id",
  "bad-ip-length": "ip",
  trailing: "trailing",
};

export function explain(result: DecodeResult): string {
  if (result.ok) return describe(result.packet);
  // @ts-expect-error: a failed result has no packet.
  result.packet;
  return `${REASONS[result.code]} at ${result.offset.toFixed()}`;
}

export function hot(datagram: Uint8Array, fields = new PacketFields()): Uint8Array | undefined {
  if (!codec.decodeInto(datagram, fields)) return undefined;
  return datagram.subarray(fields.nodeIdOffset, fields.nodeIdOffset + fields.nodeIdLength);
}

export function thrown(datagram: Uint8Array): PacketErrorCode | XdrErrorCode | undefined {
  try {
    codec.decode(datagram);
    return undefined;
  } catch (error) {
    if (error instanceof PacketError || error instanceof XdrError) return error.code;
    throw error;
  }
}

export const owned: ArrayBuffer = codec.encode({ type: "query", nodeId: Uint8Array.of(1) }).buffer;
export const size: number = codec.encodeInto({ type: "query", nodeId: Uint8Array.of(1) }, new Uint8Array(16), 4);
// @ts-expect-error: an announcement has a port and an IP.
codec.encode({ type: "announcement", nodeId: Uint8Array.of(1) });

interface File {
  readonly name: string;
  readonly kind: Kind;
  readonly size: bigint;
}

type Kind = { readonly kind: "text" } | { readonly kind: "exec"; readonly interpretor: string };

const KINDS: ReadonlySet<0 | 2> = new Set([0, 2] as const);
const KIND_ARMS = {
  0: () => ({ kind: "text" }) as const,
  2: (r: XdrReader) => ({ kind: "exec", interpretor: r.string(255) }) as const,
};
export type Arms = ArmValue<typeof KIND_ARMS>;

const readKind: Read<Kind> = (r) => r.union((r) => r.enum(KINDS), KIND_ARMS);
const readFile: Read<File> = (r) => ({ name: r.string(255), kind: readKind(r), size: r.uhyper() });
const writeFile: Write<File> = (w, { name, kind, size }) => {
  w.string(name, 255);
  w.union<0 | 2>(kind.kind === "text" ? 0 : 2, (w, value) => w.enum(value, KINDS), {
    0: (w) => w.void(),
    2: (w) => w.string(kind.kind === "exec" ? kind.interpretor : "", 255),
  });
  w.uhyper(size);
};

export const files: File[] = decode(
  encode((w) => w.array([], MAX_LENGTH, writeFile), { maxDepth: DEFAULT_MAX_DEPTH }),
  (r) => r.array(10, readFile),
  { allowTrailing: true },
);
export const written: number = encodeInto((w) => w.int(1), new Uint8Array(8), 4);
export const writer = new XdrWriter({ target: new Uint8Array(64), offset: 8 });
export const rest: number | null = new XdrReader(new Uint8Array(4)).optional((r) => r.int());
