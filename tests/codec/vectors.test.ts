// The codec agrees with the original decoder on its vectors, and with a third decoder (below, independent of the two
// under test) on vectors and on mutated packets.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Codec, createCodec, type PacketErrorCode, PacketFields } from "../../src/codec/index.ts";
import { announcement, ascii, hex, mutate, NASTY_LENGTHS, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";

interface Vector {
  readonly name?: string;
  readonly hex: string;
  readonly ok: boolean;
  readonly type?: "announcement" | "query";
  readonly nodeId?: string;
  readonly port?: number;
  readonly ip?: string;
  readonly error?: "bad-magic" | "bad-format";
}

function vectors(file: string): Vector[] {
  const text = readFileSync(new URL(`../vectors/${file}`, import.meta.url), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const V1 = vectors("v1.jsonl");
const ORACLE = vectors("v1-oracle.jsonl");
const bytesOf = ({ hex }: Vector): Uint8Array => Uint8Array.fromHex(hex);

class FormatError {
  constructor(
    readonly code: PacketErrorCode,
    readonly offset: number,
  ) {}
}

/** A decoder written field by field after docs/protocol.md. Returns the fields or the first error. */
function reference(bytes: Uint8Array): PacketFields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fields = new PacketFields();
  let at = 0;
  const take = (size: number): number => {
    if (bytes.length - at < size) throw new FormatError("short", bytes.length);
    at += size;
    return at - size;
  };
  const opaque = (code: PacketErrorCode, allowed?: readonly number[]): [number, number] => {
    const length = view.getUint32(take(4));
    if (allowed?.includes(length) === false || length > bytes.length - at) throw new FormatError(code, at - 4);
    const start = take(length);
    take((4 - (length % 4)) % 4);
    return [start, length];
  };
  try {
    const magic = view.getUint32(take(4));
    if (magic === 0x20121025) {
      fields.type = "announcement";
      const word = view.getUint32(take(4));
      if (word % 0x10000 !== 0) throw new FormatError("bad-reserved", 6);
      fields.port = word / 0x10000;
    } else if (magic === 0x19760309) {
      fields.type = "query";
    } else {
      throw new FormatError("bad-magic", 0);
    }
    [fields.nodeIdOffset, fields.nodeIdLength] = opaque("bad-id-length");
    if (fields.type === "announcement") [fields.ipOffset, fields.ipLength] = opaque("bad-ip-length", [0, 4, 16]);
    if (at < bytes.length) throw new FormatError("trailing", at);
    return fields;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return Object.assign(new PacketFields(), { code: error.code, errorOffset: error.offset });
  }
}

const same = (a: PacketFields, b: PacketFields): boolean =>
  a.type === b.type &&
  a.port === b.port &&
  a.nodeIdOffset === b.nodeIdOffset &&
  a.nodeIdLength === b.nodeIdLength &&
  a.ipOffset === b.ipOffset &&
  a.ipLength === b.ipLength &&
  a.code === b.code &&
  a.errorOffset === b.errorOffset;

describe.each(["wasm", "ts"] as const)("the %s codec", (backend) => {
  const codec: Codec = createCodec({ backend });
  const found = new PacketFields();

  /**
   * Describes how the codec and the reference differ; `undefined` if they agree. An `expect` for each packet would take
   * longer than everything else.
   */
  function difference(bytes: Uint8Array): string | undefined {
    const wanted = reference(bytes);
    const accepted = codec.decodeInto(bytes, found);
    if (accepted === (wanted.code === undefined) && same(found, wanted)) return undefined;
    return `${hex(bytes)}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;
  }

  function differences(packets: Iterable<Uint8Array>): string[] {
    const list: string[] = [];
    for (const bytes of packets) {
      const text = difference(bytes);
      if (text !== undefined && list.length < 5) list.push(text);
    }
    return list;
  }

  test(`runs on ${backend}`, () => {
    expect(codec.backend).toBe(backend);
  });

  test.each([
    ["v1.jsonl", V1, 69],
    ["v1-oracle.jsonl", ORACLE, 3000],
  ] as const)("agrees with the original decoder on every packet of %s", (_, list, count) => {
    expect(list.length).toBe(count);
    for (const vector of list) {
      const result = codec.tryDecode(bytesOf(vector));
      const verdict = result.ok
        ? {
            ok: true,
            type: result.packet.type,
            nodeId: hex(result.packet.nodeId),
            ...(result.packet.type === "announcement" && { port: result.packet.port, ip: hex(result.packet.ip) }),
          }
        : { ok: false, error: result.code === "bad-magic" ? "bad-magic" : "bad-format" };
      const { name, hex: packet, ...original } = vector;
      expect({ name, packet, ...verdict }).toEqual({ name, packet, ...original } as never);
    }
  });

  test("agrees with the reference decoder on every vector of the original decoder", () => {
    expect(differences([...V1, ...ORACLE].map(bytesOf))).toEqual([]);
  });

  test("encodes decoded packets as the same bytes, except that padding becomes zero", () => {
    let packets = 0;
    for (const vector of [...V1, ...ORACLE]) {
      const bytes = bytesOf(vector);
      if (!codec.decodeInto(bytes, found)) continue;
      const encoded = codec.encode(codec.decode(bytes));
      const end = found.nodeIdOffset + found.nodeIdLength;
      bytes.fill(0, end, end + ((4 - (found.nodeIdLength % 4)) % 4));
      expect(hex(encoded)).toBe(hex(bytes));
      packets++;
    }
    expect(packets).toBeGreaterThan(1000);
  });

  test("reads nothing past the end of a datagram: a prefix is decoded correctly right after the whole datagram", () => {
    function* prefixes(): Generator<Uint8Array> {
      for (const vector of [...V1, ...ORACLE.filter((_, i) => i % 10 === 0)]) {
        const bytes = bytesOf(vector);
        for (let length = 0; length < bytes.length; length++) {
          codec.decodeInto(bytes, found);
          yield bytes.subarray(0, length);
        }
      }
    }
    expect(differences(prefixes())).toEqual([]);
  });

  test("agrees with the reference decoder after every single bit flip", () => {
    function* flips(): Generator<Uint8Array> {
      for (const vector of [...V1, ...ORACLE.filter((_, i) => i % 40 === 0)]) {
        const bytes = bytesOf(vector);
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          bytes[bit >>> 3]! ^= 0x80 >>> (bit & 7);
          yield bytes;
          bytes[bit >>> 3]! ^= 0x80 >>> (bit & 7);
        }
      }
    }
    expect(differences(flips())).toEqual([]);
  });

  test("agrees with the reference decoder on lengths around 0, 2^31 and 2^32 in every length field", () => {
    function* lengths(): Generator<Uint8Array> {
      const id = ascii("NODEID");
      for (const size of [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 100]) {
        for (const base of [
          query(new Uint8Array(size)),
          announcement(new Uint8Array(size), 22000),
          announcement(id, 22000, new Uint8Array(size)),
          new Uint8Array([...query(new Uint8Array(0)), ...new Uint8Array(size)]),
          new Uint8Array([...announcement(new Uint8Array(0), 1).subarray(0, 12), ...new Uint8Array(size)]),
        ]) {
          const fields = base[0] === 0x19 ? [4] : [8, 20];
          for (const at of fields.filter((at) => at + 4 <= base.length)) {
            for (const length of [...NASTY_LENGTHS, base.length - 8, base.length - 12, base.length - 16, base.length]) {
              const bytes = base.slice();
              new DataView(bytes.buffer).setUint32(at, length);
              yield bytes;
            }
          }
        }
      }
    }
    expect(differences(lengths())).toEqual([]);
  });

  test("agrees with the reference decoder on randomly mutated packets, in memory filled with 0xff", () => {
    const random = new Random(4506);
    function* mutants(): Generator<Uint8Array> {
      const ones = new Uint8Array(100_000).fill(255);
      for (let i = 0; i < 20_000; i++) {
        if (i % 1000 === 0) codec.decodeInto(ones, found);
        let bytes = bytesOf(random.pick(random.once(2) ? V1 : ORACLE));
        for (let times = random.below(3); times >= 0; times--) bytes = mutate(random, bytes).slice();
        yield bytes;
      }
    }
    expect(differences(mutants())).toEqual([]);
  });

  test("decodes a good packet correctly after any bad one", () => {
    const good = announcement(ascii("NODE"), 22000, Uint8Array.of(10, 9, 0, 2));
    for (const vector of [...V1, ...ORACLE].filter(({ ok }) => !ok)) {
      expect(codec.tryDecode(bytesOf(vector)).ok).toBe(false);
      if (difference(good) !== undefined) expect(difference(good)).toBe(`after ${vector.hex}`);
    }
  });

  test("rejects 19760309fffffffc, which crashed the original 32-bit server: 8 + 0xfffffffc + 0 overflowed to 4", () => {
    expect(codec.tryDecode(Uint8Array.fromHex("19760309fffffffc"))).toEqual({
      ok: false,
      code: "bad-id-length",
      offset: 4,
    });
    expect(codec.tryDecode(Uint8Array.fromHex("2012102555f00000fffffffc"))).toEqual({
      ok: false,
      code: "bad-id-length",
      offset: 8,
    });
  });
});
