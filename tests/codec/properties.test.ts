// Properties that hold for all packets and all other bytes, for every method of the codec, on both backends.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Announcement,
  bytesToHex,
  type Codec,
  createCodec,
  type DecodeResult,
  ipFromText,
  ipToText,
  nodeIdFromText,
  nodeIdToText,
  type Packet,
  PacketError,
  type PacketErrorCode,
  PacketFields,
  type Query,
} from "../../src/codec/index.ts";
import { announcement, hex, NASTY_LENGTHS, query } from "../support/packets.ts";
import { encoded, packets } from "./packet-values.ts";

const SEED = 20121025;

const CODECS = [createCodec({ backend: "wasm" }), createCodec({ backend: "ts" })];

const paddingOf = ({ length }: Uint8Array): number => (4 - (length % 4)) % 4;

/** A packet with its bytes, once with random padding and once with zeros. */
const accepted = fc.tuple(packets, fc.uint8Array({ minLength: 3, maxLength: 3 })).map(([packet, padding]) => {
  const zeroed = encoded(packet);
  const bytes = zeroed.slice();
  const end = (packet.type === "query" ? 8 : 12) + packet.nodeId.length;
  bytes.set(padding.subarray(0, paddingOf(packet.nodeId)), end);
  return { packet, bytes, zeroed };
});

const MAGICS = [query(new Uint8Array(0)), announcement(new Uint8Array(0), 0)].map((bytes) => bytes.subarray(0, 4));

const badWords = fc.array(fc.tuple(fc.nat(8), fc.constantFrom(...NASTY_LENGTHS)), { maxLength: 2 });

/** Packets with up to two wrong words or a wrong end, and random bytes. */
const hostile = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(accepted, badWords, fc.integer(), fc.constantFrom(0, 0, 0, 1, 4))
      .map(([{ bytes }, words, end, more]) => {
        const short = bytes.slice(0, 60);
        const view = new DataView(short.buffer);
        for (const [word, value] of words) if (word * 4 + 4 <= short.length) view.setUint32(word * 4, value);
        const longer = new Uint8Array(short.length + more);
        longer.set(short);
        return end % 2 === 0 ? longer : short.slice(0, Math.abs(end) % (short.length + 1));
      }),
  },
  fc.uint8Array({ maxLength: 64 }),
  fc.tuple(fc.constantFrom(...MAGICS), fc.uint8Array({ maxLength: 40 })).map(([magic, rest]) => {
    return Uint8Array.of(...magic, ...rest);
  }),
);

/** Decodes with every method. All must give the same result. */
function decodeAll(codec: Codec, bytes: Uint8Array): DecodeResult {
  const result = codec.tryDecode(bytes);
  const many = codec.decodeMany([new Uint8Array(1), bytes, bytes]);
  expect(many.slice(1)).toStrictEqual([result, result]);
  const fields = new PacketFields();
  expect(codec.decodeInto(bytes, fields)).toBe(result.ok);
  const cut = (at: number, length: number) => new Uint8Array(bytes.subarray(at, at + length));
  const nodeId = cut(fields.nodeIdOffset, fields.nodeIdLength);
  if (!result.ok) {
    expect(fields).toMatchObject({ type: undefined, code: result.code, errorOffset: result.offset });
    expect(() => codec.decode(bytes)).toThrow(new PacketError(result.code, result.offset));
  } else {
    expect(codec.decode(bytes)).toStrictEqual(result.packet);
    const ip = cut(fields.ipOffset, fields.ipLength);
    expect(result.packet).toStrictEqual(
      fields.type === "query" ? { type: "query", nodeId } : { type: fields.type!, nodeId, port: fields.port, ip },
    );
  }
  return result;
}

/** Whether `bytes` really have this error at this offset. */
function hasError(codec: Codec, bytes: Uint8Array, code: PacketErrorCode, offset: number): boolean {
  const word = () => new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(offset);
  switch (code) {
    case "short":
      return offset === bytes.length;
    case "bad-magic":
      return offset === 0 && !MAGICS.some((magic) => hex(magic) === hex(bytes.subarray(0, 4)));
    case "bad-reserved":
      return offset === 6 && bytes[6]! + bytes[7]! > 0;
    case "bad-id-length":
      return word() > bytes.length - offset - 4;
    case "bad-ip-length":
      return ![0, 4, 16].includes(word()) || word() > bytes.length - offset - 4;
    case "trailing":
      return offset < bytes.length && codec.tryDecode(bytes.subarray(0, offset)).ok;
  }
}

/** Encodes with every method. All must give the same bytes. */
function encodeAll(codec: Codec, packet: Packet): Uint8Array {
  const bytes = codec.encode(packet);
  expect(codec.encodeMany([packet, packet]).map(hex)).toEqual([hex(bytes), hex(bytes)]);
  const target = new Uint8Array(bytes.length + 7).fill(0xff);
  expect(codec.encodeInto(packet, target, 5)).toBe(bytes.length);
  expect(hex(target)).toBe(`${"ff".repeat(5)}${hex(bytes)}ffff`);
  return bytes;
}

describe.each(CODECS.map((codec) => [codec.backend, codec] as const))("on %s", (_, codec) => {
  test("every decoded packet is encoded as the same bytes, with zeros as padding", () => {
    fc.assert(
      fc.property(accepted, ({ packet, bytes, zeroed }) => {
        const result = decodeAll(codec, bytes);
        expect(result).toStrictEqual({ ok: true, packet });
        if (result.ok) expect(hex(encodeAll(codec, result.packet))).toBe(hex(zeroed));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  test("every encoded packet is decoded as the same packet, and encoded again as the same bytes", () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const bytes = encodeAll(codec, packet);
        expect(bytes.length % 4).toBe(0);
        expect(decodeAll(codec, bytes)).toStrictEqual({ ok: true, packet });
        expect(hex(codec.encode(codec.decode(bytes)))).toBe(hex(bytes));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  test("different packets have different bytes", () => {
    fc.assert(
      fc.property(packets, packets, (a, b) => {
        const same = hex(codec.encode(a)) === hex(codec.encode(b));
        expect(same).toBe(Bun.deepEquals(a, b, true));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test("any other bytes are a packet that is encoded as the same bytes, or have the reported error at the reported offset", () => {
    let packets = 0;
    const codes = new Set<string>();
    fc.assert(
      fc.property(hostile, (bytes) => {
        const result = decodeAll(codec, bytes);
        if (!result.ok) {
          codes.add(result.code);
          expect(hasError(codec, bytes, result.code, result.offset)).toBe(true);
          return;
        }
        packets++;
        const { nodeId } = result.packet;
        const end = (result.packet.type === "query" ? 8 : 12) + nodeId.length;
        const zeroed = bytes.slice().fill(0, end, end + paddingOf(nodeId));
        expect(hex(codec.encode(result.packet))).toBe(hex(zeroed));
      }),
      { seed: SEED, numRuns: 5000 },
    );
    expect(packets).toBeGreaterThan(100);
    expect([...codes].sort()).toEqual([
      "bad-id-length",
      "bad-ip-length",
      "bad-magic",
      "bad-reserved",
      "short",
      "trailing",
    ]);
  });

  test("a NodeID and an IP that are encoded from text are decoded as the same text", () => {
    const ip = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 64 }), fc.nat(65535), ip, (id, port, ip) => {
        const bytes = codec.encode({ type: "announcement", nodeId: nodeIdFromText(id), port, ip: ipFromText(ip) });
        const packet = codec.decode(bytes) as Announcement;
        expect(nodeIdToText(packet.nodeId)).toBe(id);
        expect(ipToText(packet.ip)).toBe(ipToText(ipFromText(ip))!);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

test("both backends give the same packet or error for any bytes, and the same bytes for any packet", () => {
  const [wasm, ts] = CODECS as [Codec, Codec];
  fc.assert(
    fc.property(
      fc.oneof(
        hostile,
        accepted.map(({ bytes }) => bytes),
      ),
      (bytes) => {
        expect(wasm.tryDecode(bytes)).toStrictEqual(ts.tryDecode(bytes));
      },
    ),
    { seed: SEED, numRuns: 3000 },
  );
  fc.assert(
    fc.property(packets, (packet) => {
      expect(hex(wasm.encode(packet))).toBe(hex(ts.encode(packet)));
    }),
    { seed: SEED, numRuns: 300 },
  );
});

describe("the types", () => {
  const impossible = (value: never): never => {
    throw new Error(`impossible: ${value}`);
  };

  // The type check is the test here: each function compiles only because its `switch` has every case.
  function describePacket(packet: Packet): string {
    switch (packet.type) {
      case "announcement":
        return `${packet.port} ${bytesToHex(packet.ip)}` satisfies string;
      case "query":
        // @ts-expect-error: a query has no port
        return `${packet.port}`;
      default:
        return impossible(packet);
    }
  }

  function describeResult(result: DecodeResult): string {
    switch (result.ok) {
      case true:
        // @ts-expect-error: a result with a packet has no code
        return `${describePacket(result.packet)} ${result.code}`;
      case false:
        // @ts-expect-error: a result with a code has no packet
        return `${describeCode(result.code)} ${result.packet}`;
      default:
        return impossible(result);
    }
  }

  function describeCode(code: PacketErrorCode): string {
    switch (code) {
      case "short":
      case "bad-magic":
      case "bad-reserved":
      case "bad-id-length":
      case "bad-ip-length":
      case "trailing":
        return code;
      default:
        return impossible(code);
    }
  }

  function withoutAnnouncement(packet: Packet): string {
    switch (packet.type) {
      case "query":
        return "query";
      default:
        // @ts-expect-error: the case of an announcement is missing
        return impossible(packet);
    }
  }

  test("are unions, so that the compiler can check that a switch has every case", () => {
    const codec = createCodec();
    const asked: Query = { type: "query", nodeId: Uint8Array.of(1) };
    const announced: Announcement = {
      type: "announcement",
      nodeId: asked.nodeId,
      port: 1,
      ip: Uint8Array.of(1, 2, 3, 4),
    };
    expect(describePacket(codec.decode(codec.encode(announced)))).toBe("1 01020304");
    expect(describePacket(codec.decode(codec.encode(asked)))).toBe("undefined");
    expect(describeResult(codec.tryDecode(codec.encode(announced)))).toBe("1 01020304 undefined");
    expect(describeResult(codec.tryDecode(new Uint8Array(3)))).toBe("short undefined");
    expect(() => withoutAnnouncement(announced)).toThrow("impossible");
  });

  test("make invalid packets and options compile errors", () => {
    const codec = createCodec();
    const nodeId = Uint8Array.of(1);
    // @ts-expect-error: an announcement has a port and an IP
    expect(() => codec.encode({ type: "announcement", nodeId })).toThrow(TypeError);
    // @ts-expect-error: a NodeID is bytes, not text
    expect(() => codec.encode({ type: "query", nodeId: "NODE" })).toThrow(TypeError);
    // @ts-expect-error: unknown backend
    expect(() => createCodec({ backend: "js" })).toThrow(RangeError);
    // @ts-expect-error: packets are read-only
    const changed = (packet: Packet) => (packet.nodeId = nodeId);
    expect(changed).toBeFunction();
    // The text of an IP can be undefined, so a program must handle announcements without an IP.
    const text: string | undefined = ipToText(new Uint8Array(0));
    expect(text).toBeUndefined();
  });
});
