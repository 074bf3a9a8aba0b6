// codec.wasm as documented: names, offsets and statuses come from the tables of docs/codec-wasm.md, so neither the page
// nor the module can change without the other. From src/ only the TypeScript codec is imported, to compare errors with.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createCodec } from "../../src/codec/index.ts";
import { announcement, ascii, hex, mutate, NASTY_LENGTHS, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import {
  COLUMNS,
  ENTRY,
  ENTRY_SIZE,
  EXPORTS,
  errorOffset,
  FIELDS,
  FIELDS_SIZE,
  Host,
  MODULE,
  PAGE,
  SIMD_MODULE,
  STATUS,
  STATUS_NAMES,
  sizeOf,
  writtenFor,
} from "./wasm-host.ts";

interface Vector {
  readonly hex: string;
  readonly ok: boolean;
  readonly type?: "announcement" | "query";
  readonly nodeId?: string;
  readonly port?: number;
  readonly ip?: string;
  readonly error?: "bad-magic" | "bad-format";
}

const FOLDER = new URL("../vectors/", import.meta.url);
const VECTORS: Vector[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".jsonl"))
  .flatMap((file) => readFileSync(new URL(file, FOLDER), "utf8").trim().split("\n"))
  .map((line) => JSON.parse(line));
const PACKETS = VECTORS.filter(({ ok }) => ok);
const ID = ascii("NODEID");
const IP = Uint8Array.of(10, 9, 0, 2);

/** The decoded fields of the datagram at `at`, in the format of the vectors. */
function decoded(host: Host, at: number, fields: number): Omit<Vector, "hex"> {
  const name = STATUS_NAMES[host.field(fields, "status")];
  if (name !== "announcement" && name !== "query") {
    if (name === undefined) throw new Error(`status ${host.field(fields, "status")} is not documented`);
    return { ok: false, error: name === "bad-magic" ? "bad-magic" : "bad-format" };
  }
  const part = (what: string) => {
    const from = at + host.field(fields, `${what}Offset`);
    return hex(host.bytes.subarray(from, from + host.field(fields, `${what}Length`)));
  };
  if (name === "query") {
    expect(["port", "ipOffset", "ipLength"].map((word) => host.field(fields, word))).toEqual([0, 0, 0]);
    return { ok: true, type: name, nodeId: part("id") };
  }
  return { ok: true, type: name, nodeId: part("id"), port: host.field(fields, "port"), ip: part("ip") };
}

function verdict({ ok, type, nodeId, port, ip, error }: Vector): Omit<Vector, "hex"> {
  if (!ok) return { ok, error: error! };
  return type === "query" ? { ok, type, nodeId: nodeId! } : { ok, type: type!, nodeId: nodeId!, port: port!, ip: ip! };
}

/** The bytes of a vector's packet with zeros as padding. */
function canonical({ type, nodeId, port, ip }: Vector): Uint8Array {
  const id = Uint8Array.fromHex(nodeId!);
  return type === "query" ? query(id) : announcement(id, port!, Uint8Array.fromHex(ip!));
}

/** Encodes the packet of `vector` at `to`. Its NodeID and IP must be in the memory already. */
function encode(host: Host, vector: Vector, to: number, id: number, ip: number): number {
  const length = vector.nodeId!.length / 2;
  const written = (size: number): [number, number][] => [[to, size]];
  if (vector.type === "query") return host.call("encodeQuery", { to, id, length }, written);
  const parameters = { to, port: vector.port!, id, length, ip, ipLength: vector.ip!.length / 2 };
  return host.call("encodeAnnouncement", parameters, written);
}

describe("the page", () => {
  test("lists exactly the exports of the module, which has no imports", () => {
    expect(WebAssembly.Module.imports(MODULE)).toEqual([]);
    const exports = WebAssembly.Module.exports(MODULE).map(({ name, kind }) => [name, kind]);
    expect(WebAssembly.Module.imports(SIMD_MODULE)).toEqual([]);
    expect(WebAssembly.Module.exports(SIMD_MODULE)).toEqual(WebAssembly.Module.exports(MODULE));
    const documented = [...EXPORTS].map(([name, parameters]) => [name, parameters ? "function" : "memory"]);
    expect(exports.sort()).toEqual(documented.sort());
    const instance = new WebAssembly.Instance(MODULE);
    for (const [name, parameters] of EXPORTS) {
      if (parameters) expect((instance.exports[name] as () => void).length).toBe(parameters.length);
    }
  });

  test("has the right size of the memory, which is all zeros at first", () => {
    const { memory } = new WebAssembly.Instance(MODULE).exports as { readonly memory: WebAssembly.Memory };
    expect(PAGE).toContain(`a memory of ${memory.buffer.byteLength / 65_536} pages (131,072 bytes) at first`);
    expect(memory.buffer.byteLength).toBe(131_072);
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
  });

  test("has the tables that the tests below need", () => {
    expect(Object.keys(FIELDS)).toEqual(["status", "port", "idOffset", "idLength", "ipOffset", "ipLength"]);
    expect(Object.keys(ENTRY)).toEqual(["at", "size"]);
    expect(Object.keys(STATUS).length).toBe(8);
    expect(Object.values(COLUMNS)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test.each(["codec.wasm", "codec-simd.wasm"])("has the right size of %s", (file) => {
    const { size } = statSync(new URL(import.meta.resolve(`whereabouts/${file}`)));
    expect(PAGE).toContain(`module of ${(size / 1000).toFixed(1)} KB`);
  });

  test("has an example with the right bytes of the packet", () => {
    const host = new Host(new Random(1));
    const [, wanted] = /\/\/ ([0-9a-f]{20,})\n/.exec(PAGE)!;
    host.bytes.set(ascii("NODE"), 40);
    const size = host.call("encodeQuery", { to: 32, id: 40, length: 4 }, (size) => [[32, size]]);
    expect(hex(host.bytes.subarray(32, 32 + size))).toBe(wanted!);
  });
});

describe("decode", () => {
  test("agrees with the original decoder on every vector, at any address, and writes only to the fields", () => {
    const random = new Random(1);
    const host = new Host(random);
    for (const vector of VECTORS) {
      const bytes = Uint8Array.fromHex(vector.hex);
      const fields = random.below(1000);
      const at = 2000 + random.below(1000);
      host.bytes.set(bytes, at);
      const status = host.decode(at, bytes.length, fields);
      expect(status).toBe(host.field(fields, "status"));
      expect({ hex: vector.hex, ...decoded(host, at, fields) }).toEqual({ hex: vector.hex, ...verdict(vector) });
    }
    expect(VECTORS.length).toBeGreaterThan(3000);
  });

  test(
    "reads nothing past the end of a datagram, even at the end of the memory, and never traps",
    () => {
      const random = new Random(2);
      const host = new Host(random);
      const fields = 16;
      for (let i = 0; i < 20_000; i++) {
        let bytes = Uint8Array.fromHex(random.pick(VECTORS).hex) as Uint8Array;
        for (let times = random.below(3); times > 0; times--) bytes = mutate(random, bytes).slice();
        if (bytes.length >= 12 && random.once(3)) {
          const length = random.pick([...NASTY_LENGTHS, bytes.length - 8, bytes.length - 12]);
          new DataView(bytes.buffer, bytes.byteOffset).setUint32(random.pick([4, 8]), length);
        }
        const end = host.bytes.length - bytes.length;
        host.bytes.set(bytes, end);
        const atEnd = host.decode(end, bytes.length, fields);
        expect(STATUS_NAMES[atEnd]).toBeDefined();
        host.bytes.set(bytes, 60_000);
        expect(host.decode(60_000, bytes.length, fields)).toBe(atEnd);
      }
    },
    TEST_LIMIT_MS,
  );

  const changed = (bytes: Uint8Array, at: number, value: number) => {
    const copy = bytes.slice();
    copy[at] = value;
    return copy;
  };
  test.each([
    ["announcement", announcement(ID, 22000)],
    ["announcement", changed(announcement(ID, 22000, IP), 18, 0xff)],
    ["query", query(ID)],
    ["short", new Uint8Array(0)],
    ["short", Uint8Array.of(0xff, 0xff, 0xff)],
    ["short", query(ID).subarray(0, 15)],
    ["short", announcement(ID, 22000).subarray(0, 23)],
    ["bad-magic", changed(query(ID), 0, 0)],
    ["bad-reserved", changed(announcement(ID, 22000), 7, 1)],
    ["bad-id-length", query(ID).subarray(0, 13)],
    ["bad-id-length", Uint8Array.fromHex("19760309fffffffc")],
    ["bad-id-length", Uint8Array.fromHex("2012102555f00000fffffffc")],
    ["bad-ip-length", announcement(ID, 22000, new Uint8Array(8))],
    ["bad-ip-length", announcement(ID, 22000, IP).subarray(0, 27)],
    ["trailing", new Uint8Array([...query(ID), 0])],
    ["trailing", new Uint8Array([...announcement(ID, 22000, IP), 0])],
  ])("returns %s for bytes as described on the page", (name, bytes) => {
    const host = new Host(new Random(3));
    host.bytes.set(bytes, 64);
    expect(STATUS_NAMES[host.decode(64, bytes.length, 0)]).toBe(name);
  });

  test("returns a status from which the page derives the same error offset as the TypeScript codec", () => {
    const random = new Random(12);
    const host = new Host(random);
    const codec = createCodec({ backend: "ts" });
    const seen = new Set<number>();
    const compare = (bytes: Uint8Array) => {
      host.bytes.set(bytes, 2000);
      const status = host.decode(2000, bytes.length, 0);
      const result = codec.tryDecode(bytes);
      expect([hex(bytes), STATUS_NAMES[status], errorOffset(status, bytes)]).toEqual(
        result.ok ? [hex(bytes), result.packet.type, undefined] : [hex(bytes), result.code, result.offset],
      );
      seen.add(status);
    };
    for (const vector of VECTORS) compare(Uint8Array.fromHex(vector.hex));
    for (let i = 0; i < 5000; i++) compare(mutate(random, Uint8Array.fromHex(random.pick(PACKETS).hex)));
    expect([...seen].sort()).toEqual(Object.values(STATUS));
  });

  test("can return a packet that is partly outside of the memory, if the host does not check the size, as the page says", () => {
    const host = new Host(new Random(13));
    const end = host.bytes.length;
    const datagram = query(new Uint8Array(100));
    const at = end - 20;
    host.bytes.set(datagram.subarray(0, 20), at);
    expect(host.decode(at, datagram.length, 0)).toBe(STATUS.query!);
    expect(at + host.field(0, "idOffset") + host.field(0, "idLength")).toBeGreaterThan(end);
    // In an announcement, the length of the IP comes after the NodeID, and decoding reads it.
    const announced = announcement(new Uint8Array(100), 22000);
    host.bytes.set(announced.subarray(0, 20), at);
    expect(() => host.decode(at, announced.length, 0)).toThrow(WebAssembly.RuntimeError);
    expect(host.decode(at, 20, 0)).toBe(STATUS["bad-id-length"]!);
    // Here that length is inside of the memory, but the IP is not.
    const cut = announcement(ID, 22000, IP);
    host.bytes.set(cut.subarray(0, 24), end - 24);
    expect(host.decode(end - 24, cut.length, 0)).toBe(STATUS.announcement!);
    expect(end - 24 + host.field(0, "ipOffset")).toBe(end);
    expect(PAGE).toContain("decoding does not touch the bytes of a NodeID, of padding or of an IP");
  });

  test("decodes in a memory that has grown", () => {
    const host = new Host(new Random(4));
    host.grow(1000);
    const bytes = announcement(new Uint8Array(1_000_000).fill(7), 22000, IP);
    const at = host.bytes.length - bytes.length;
    host.bytes.set(bytes, at);
    expect(host.decode(at, bytes.length, 0)).toBe(STATUS.announcement!);
    expect(host.field(0, "idLength")).toBe(1_000_000);
  });

  test("traps if the fields are past the end of the memory, and still works afterwards", () => {
    const host = new Host(new Random(5));
    host.bytes.set(query(ID), 64);
    expect(() => host.decode(64, 16, host.bytes.length - 8)).toThrow(WebAssembly.RuntimeError);
    expect(host.decode(64, 16, 0)).toBe(STATUS.query!);
  });
});

describe("decodeBatch", () => {
  test("gives the same fields as decode for each datagram, returns the number of packets, and writes only to the fields", () => {
    const random = new Random(6);
    const host = new Host(random);
    const table = 3;
    const fields = 10_000;
    for (let first = 0; first < VECTORS.length; ) {
      const batch = VECTORS.slice(first, first + 1 + random.below(100));
      first += batch.length;
      let at = 30_001;
      const addresses = batch.map(({ hex }, i) => {
        const bytes = Uint8Array.fromHex(hex);
        host.bytes.set(bytes, at);
        host.setWord(table + i * ENTRY_SIZE + ENTRY.at!, at);
        host.setWord(table + i * ENTRY_SIZE + ENTRY.size!, bytes.length);
        at += bytes.length;
        return at - bytes.length;
      });
      const fieldsOf = (i: number) => fields + i * FIELDS_SIZE;
      const good = host.call("decodeBatch", { table, count: batch.length, fields }, () =>
        batch.map((_, i) => [fieldsOf(i), writtenFor(host.field(fieldsOf(i), "status"))]),
      );
      expect(good).toBe(batch.filter(({ ok }) => ok).length);
      expect(batch.map((_, i) => decoded(host, addresses[i]!, fieldsOf(i)))).toEqual(batch.map(verdict));
    }
  });

  test("writes nothing and returns 0 for a count of 0", () => {
    expect(new Host(new Random(7)).call("decodeBatch", { table: 0, count: 0, fields: 0 }, () => [])).toBe(0);
  });
});

describe.each([
  ["codec.wasm", MODULE],
  ["codec-simd.wasm", SIMD_MODULE],
])("columns of %s", (_, module) => {
  const ROWS = 50;
  const REFUSED = 0xffff_ffff;
  const COLUMNS_AT = 5;
  const ROOM = 30_001;
  const SIZE = 60_000;
  const cell = (name: string, row: number) => COLUMNS_AT + 4 * (ROWS * COLUMNS[name]! + row);
  const column = (name: string, count: number): [number, number] => [cell(name, 0), 4 * count];
  const FIELD_COLUMNS = ["status", "port", "idOffset", "idLength", "ipOffset", "ipLength"];

  /** A host whose room has these datagrams one after the other, `gap` bytes apart, and which lists them in the columns. */
  function hostWith(random: Random, datagrams: readonly Uint8Array[], gap = 0): Host {
    const host = new Host(random, module);
    let at = 0;
    for (const [row, bytes] of datagrams.entries()) {
      host.bytes.set(bytes, ROOM + at);
      host.setWord(cell("offset", row), at);
      host.setWord(cell("length", row), bytes.length);
      at += bytes.length + gap;
    }
    return host;
  }

  const decode = (host: Host, count: number, written = count, size = SIZE) =>
    host.call("decodeColumns", { room: ROOM, size, columns: COLUMNS_AT, rows: ROWS, count }, () =>
      FIELD_COLUMNS.map((name) => column(name, written)),
    );

  /** The row in the format of the vectors. */
  function rowOf(host: Host, row: number): Omit<Vector, "hex"> {
    const field = (name: string) => host.word(cell(name, row));
    const type = STATUS_NAMES[field("status")];
    const part = (what: string) => {
      const from = ROOM + field(`${what}Offset`);
      return hex(host.bytes.subarray(from, from + field(`${what}Length`)));
    };
    if (type === "query") {
      expect(["port", "ipOffset", "ipLength"].map(field)).toEqual([0, 0, 0]);
      return { ok: true, type, nodeId: part("id") };
    }
    if (type === "announcement") return { ok: true, type, nodeId: part("id"), port: field("port"), ip: part("ip") };
    expect(FIELD_COLUMNS.slice(1).map(field)).toEqual([0, 0, 0, 0, 0]);
    return { ok: false, error: type === "bad-magic" ? "bad-magic" : "bad-format" };
  }

  test("decodeColumns agrees with the original decoder on every vector, and writes only to its columns", () => {
    const random = new Random(20);
    for (let first = 0; first < VECTORS.length; ) {
      const batch = VECTORS.slice(first, first + 1 + random.below(ROWS));
      first += batch.length;
      const host = hostWith(
        random,
        batch.map(({ hex }) => Uint8Array.fromHex(hex)),
      );
      expect(decode(host, batch.length)).toBe(batch.filter(({ ok }) => ok).length);
      expect(batch.map((_, row) => rowOf(host, row))).toEqual(batch.map(verdict));
    }
  });

  test("decodeColumns gives the same status as decode for damaged packets, and an offset from the start of the room", () => {
    const random = new Random(21);
    const seen = new Set<number>();
    for (let round = 0; round < 60; round++) {
      // In every other round most are packets, so that also four packets in a row are frequent.
      const list = Array.from({ length: ROWS }, () => {
        const bytes = Uint8Array.fromHex(random.pick(PACKETS).hex);
        return round % 2 === 0 || random.once(6) ? mutate(random, bytes) : bytes;
      });
      const host = hostWith(random, list, 1);
      decode(host, ROWS);
      for (const [row, bytes] of list.entries()) {
        const offset = host.word(cell("offset", row));
        const status = host.decode(ROOM + offset, bytes.length, 100_000);
        expect(host.word(cell("status", row))).toBe(status);
        seen.add(status);
        if (status > STATUS.query!) continue;
        expect(host.word(cell("idOffset", row))).toBe(offset + host.field(100_000, "idOffset"));
        if (status === STATUS.announcement) {
          expect(host.word(cell("ipOffset", row))).toBe(offset + host.field(100_000, "ipOffset"));
        }
      }
    }
    expect([...seen].sort()).toEqual(Object.values(STATUS));
  });

  test.each([
    [SIZE - 15, 16],
    [SIZE + 1, 0],
    [0xffff_fff0, 16],
    [0xffff_ffff, 0xffff_ffff],
    [16, 0xffff_fff0],
  ])("decodeColumns returns 4294967295 at a datagram at %d of %d bytes, which is not in the room", (offset, length) => {
    for (const row of [1, 4, 7]) {
      const host = hostWith(new Random(22), new Array(10).fill(query(ID)));
      host.setWord(cell("offset", row), offset);
      host.setWord(cell("length", row), length);
      expect(decode(host, 10, row)).toBe(REFUSED);
      expect(host.word(cell("status", row - 1))).toBe(STATUS.query!);
    }
  });

  test("decodeColumns returns 4294967295 for packets that go beyond the room, even if the bytes of a packet are there", () => {
    for (const bytes of [query(ID), query(new Uint8Array(40)), announcement(ID, 22000, IP)]) {
      const { length } = bytes;
      const host = hostWith(new Random(29), new Array(8).fill(bytes));
      for (const missing of [1, 4, 8, length]) expect(decode(host, 8, 7, 8 * length - missing)).toBe(REFUSED);
      expect(decode(host, 8, 8, 8 * length)).toBe(8);
    }
  });

  test("decodeColumns reads nothing past the end of the memory", () => {
    const random = new Random(23);
    const host = new Host(random, module);
    const end = host.bytes.length;
    for (let i = 0; i < 3000; i++) {
      const bytes = mutate(random, Uint8Array.fromHex(random.pick(VECTORS).hex));
      const room = end - bytes.length;
      host.bytes.set(bytes, room);
      for (let row = 0; row < 4; row++) {
        host.setWord(cell("offset", row), 0);
        host.setWord(cell("length", row), bytes.length);
      }
      host.call("decodeColumns", { room, size: bytes.length, columns: COLUMNS_AT, rows: ROWS, count: 4 }, () =>
        FIELD_COLUMNS.map((name) => column(name, 4)),
      );
      const status = host.decode(room, bytes.length, 10_000);
      for (let row = 0; row < 4; row++) expect(host.word(cell("status", row))).toBe(status);
    }
  });

  test("encodeColumns writes what decodeColumns read, with zeros as padding, and nothing else", () => {
    const random = new Random(24);
    for (let first = 0; first < VECTORS.length; ) {
      const batch = VECTORS.slice(first, first + 1 + random.below(ROWS));
      first += batch.length;
      const datagrams = batch.map(({ hex }) => Uint8Array.fromHex(hex));
      const host = hostWith(random, datagrams);
      const size = datagrams.reduce((sum, { length }) => sum + length, 0);
      const good = decode(host, batch.length);
      const wanted = batch.map((vector) => (vector.ok ? canonical(vector) : new Uint8Array(0)));
      const total = wanted.reduce((sum, { length }) => sum + length, 0);
      const parameters = { room: ROOM, size: SIZE, columns: COLUMNS_AT, rows: ROWS, count: batch.length, from: size };
      const written = host.call("encodeColumns", parameters, () => [
        column("offset", batch.length),
        column("length", batch.length),
        [ROOM + size, total],
      ]);
      expect(written).toBe(good);
      let at = size;
      for (const [row, bytes] of wanted.entries()) {
        expect([host.word(cell("offset", row)), host.word(cell("length", row))]).toEqual([at, bytes.length]);
        expect(hex(host.bytes.subarray(ROOM + at, ROOM + at + bytes.length))).toBe(hex(bytes));
        at += bytes.length;
      }
    }
  });

  test.each([
    ["port", 65_536, REFUSED],
    ["ipLength", 5, REFUSED],
    ["ipOffset", SIZE - 3, REFUSED],
    ["ipOffset", 0xffff_ffff, REFUSED],
    ["idOffset", SIZE - 5, REFUSED],
    ["idOffset", 0xffff_ffff, REFUSED],
    ["idLength", 0xffff_ffff, REFUSED],
    ["idLength", SIZE, REFUSED],
    ["status", 2, 1],
    ["ipLength", 0, 2],
  ])(
    "encodeColumns with a %s of %d returns %d, as the page says, and writes nothing if that is 4294967295",
    (name, value, wanted) => {
      const host = hostWith(new Random(25), [query(ID), announcement(ID, 22000, IP)]);
      decode(host, 2);
      host.setWord(cell(name, 1), value);
      const parameters = { room: ROOM, size: SIZE, columns: COLUMNS_AT, rows: ROWS, count: 2, from: 100 };
      const all = (result: number): [number, number][] =>
        result === REFUSED ? [] : [column("offset", 2), column("length", 2), [ROOM + 100, 44]];
      expect(host.call("encodeColumns", parameters, all)).toBe(wanted);
    },
  );

  test("encodeColumns fills the room to its last byte, and refuses one byte less", () => {
    const host = hostWith(new Random(26), [query(ID), announcement(ID, 22000, IP)]);
    decode(host, 2);
    const call = (size: number) => {
      const parameters = { room: ROOM, size, columns: COLUMNS_AT, rows: ROWS, count: 2, from: 44 };
      return host.call("encodeColumns", parameters, (result) =>
        result === REFUSED ? [] : [column("offset", 2), column("length", 2), [ROOM + 44, 44]],
      );
    };
    expect(call(87)).toBe(REFUSED);
    expect(call(88)).toBe(2);
  });

  test("encodeColumns takes any offset of a NodeID or IP of no bytes", () => {
    const host = hostWith(new Random(27), [query(new Uint8Array(0)), announcement(new Uint8Array(0), 1)]);
    decode(host, 2);
    for (const name of ["idOffset", "ipOffset"]) {
      for (const row of [0, 1]) host.setWord(cell(name, row), 0xffff_fff0);
    }
    const parameters = { room: ROOM, size: SIZE, columns: COLUMNS_AT, rows: ROWS, count: 2, from: 0 };
    const ranges: [number, number][] = [column("offset", 2), column("length", 2), [ROOM, 24]];
    expect(host.call("encodeColumns", parameters, () => ranges)).toBe(2);
  });

  test("both write nothing and return 0 for a count of 0", () => {
    const host = new Host(new Random(28), module);
    const parameters = { room: ROOM, size: SIZE, columns: COLUMNS_AT, rows: ROWS, count: 0 };
    expect(host.call("decodeColumns", parameters, () => [])).toBe(0);
    expect(host.call("encodeColumns", { ...parameters, from: 0 }, () => [])).toBe(0);
  });
});

describe("encoding", () => {
  test("writes every packet of the vectors, with NodeID and IP at any address, and nothing else", () => {
    const random = new Random(8);
    const host = new Host(random);
    for (const vector of PACKETS) {
      const wanted = canonical(vector);
      const [id, ip, to] = [random.below(1000), 3000 + random.below(1000), 6000 + random.below(1000)];
      host.bytes.set(Uint8Array.fromHex(vector.nodeId!), id);
      host.bytes.set(Uint8Array.fromHex(vector.ip ?? ""), ip);
      const size = encode(host, vector, to, id, ip);
      expect(size).toBe(sizeOf(vector.type!, vector.nodeId!.length / 2, (vector.ip ?? "").length / 2));
      expect(hex(host.bytes.subarray(to, to + size))).toBe(hex(wanted));
    }
    expect(PACKETS.length).toBeGreaterThan(1000);
  });

  test(
    "accepts an IP at any address, and a NodeID at any address except where the IP is written, also inside of the packet",
    () => {
      const random = new Random(9);
      const host = new Host(random);
      const to = 2000;
      let inside = 0;
      for (let i = 0; i < 10_000; i++) {
        const vector = random.pick(PACKETS);
        const [idLength, ipLength] = [vector.nodeId!.length / 2, (vector.ip ?? "").length / 2];
        const ipTarget = to + sizeOf(vector.type!, idLength, 0);
        const near = (length: number) => to - length + random.below(length + sizeOf(vector.type!, idLength, 16));
        const own = to + (vector.type === "query" ? 8 : 12);
        const id = random.once(4) ? own : near(idLength);
        const ip = random.once(4) ? ipTarget : near(ipLength);
        if (ipLength > 0 && id < ipTarget + ipLength && ipTarget < id + idLength) continue;
        inside++;
        host.fill(random, to - 1200, 3600);
        const parts = {
          ...vector,
          nodeId: hex(host.bytes.slice(id, id + idLength)),
          ip: hex(host.bytes.slice(ip, ip + ipLength)),
        };
        const size = encode(host, vector, to, id, ip);
        expect(hex(host.bytes.subarray(to, to + size))).toBe(hex(canonical(parts)));
      }
      expect(inside).toBeGreaterThan(2500);
    },
    TEST_LIMIT_MS,
  );

  test("writes a packet that ends at the end of the memory, and traps if it goes past that", () => {
    const host = new Host(new Random(10));
    const end = host.bytes.length;
    const call = (to: number) => host.call("encodeQuery", { to, id: 0, length: 5 }, (size) => [[to, size]]);
    expect(call(end - 16)).toBe(16);
    expect(() => call(end - 12)).toThrow(WebAssembly.RuntimeError);
  });

  test("does not check the port and the length of the IP, as the page says", () => {
    const host = new Host(new Random(11));
    const call = (port: number, ipLength: number) => {
      const parameters = { to: 1000, port, id: 0, length: 4, ip: 8, ipLength };
      const size = host.call("encodeAnnouncement", parameters, (size) => [[1000, size]]);
      return STATUS_NAMES[host.decode(1000, size, 2000)];
    };
    expect(call(0x1_55f0, 4)).toBe("announcement");
    expect(host.field(2000, "port")).toBe(0x55f0);
    for (const ipLength of [1, 5, 8, 17]) expect(call(22000, ipLength)).toBe("bad-ip-length");
  });
});
