// codec.wasm as a stranger would use it: by docs/codec-wasm.md alone, from whose tables names, offsets and statuses are
// taken, so that neither the page nor the module can change without the other. Of src/ only the codec is imported, in
// TypeScript, to hold faults against.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { createCodec } from "../../src/codec/index.ts";
import { announcement, ascii, hex, mutate, NASTY_LENGTHS, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import {
  ENTRY,
  ENTRY_SIZE,
  EXPORTS,
  FIELDS,
  FIELDS_SIZE,
  faultAt,
  Host,
  MODULE,
  PAGE,
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

/** What the fields at `fields` say of the datagram at `at`, in the vectors' own words. */
function said(host: Host, at: number, fields: number): Omit<Vector, "hex"> {
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

/** The packet of a vector as it is to be written: with zeros as padding. */
function canonical({ type, nodeId, port, ip }: Vector): Uint8Array {
  const id = Uint8Array.fromHex(nodeId!);
  return type === "query" ? query(id) : announcement(id, port!, Uint8Array.fromHex(ip!));
}

/** Has the packet of `vector` written at `to`, of a NodeID and an IP that lie in the memory already. */
function encode(host: Host, vector: Vector, to: number, id: number, ip: number): number {
  const length = vector.nodeId!.length / 2;
  const written = (size: number): [number, number][] => [[to, size]];
  if (vector.type === "query") return host.call("encodeQuery", { to, id, length }, written);
  const parameters = { to, port: vector.port!, id, length, ip, ipLength: vector.ip!.length / 2 };
  return host.call("encodeAnnouncement", parameters, written);
}

describe("the page", () => {
  test("names what the module exports, no more and no less, and it imports nothing", () => {
    expect(WebAssembly.Module.imports(MODULE)).toEqual([]);
    const exports = WebAssembly.Module.exports(MODULE).map(({ name, kind }) => [name, kind]);
    const documented = [...EXPORTS].map(([name, parameters]) => [name, parameters ? "function" : "memory"]);
    expect(exports.sort()).toEqual(documented.sort());
    const instance = new WebAssembly.Instance(MODULE);
    for (const [name, parameters] of EXPORTS) {
      if (parameters) expect((instance.exports[name] as () => void).length).toBe(parameters.length);
    }
  });

  test("gives the size of its memory, which is all zeros at first", () => {
    const { memory } = new WebAssembly.Instance(MODULE).exports as { readonly memory: WebAssembly.Memory };
    expect(PAGE).toContain(`at first of ${memory.buffer.byteLength / 65_536} pages (131,072 bytes)`);
    expect(memory.buffer.byteLength).toBe(131_072);
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
  });

  test("has a table for each thing that the tests below need of it", () => {
    expect(Object.keys(FIELDS)).toEqual(["status", "port", "idOffset", "idLength", "ipOffset", "ipLength"]);
    expect(Object.keys(ENTRY)).toEqual(["at", "size"]);
    expect(Object.keys(STATUS).length).toBe(8);
  });

  test("has an example whose packet is the right one", () => {
    const host = new Host(new Random(1));
    const [, wanted] = /\/\/ ([0-9a-f]{20,})\n/.exec(PAGE)!;
    host.bytes.set(ascii("NODE"), 40);
    const size = host.call("encodeQuery", { to: 32, id: 40, length: 4 }, (size) => [[32, size]]);
    expect(hex(host.bytes.subarray(32, 32 + size))).toBe(wanted!);
  });
});

describe("decode", () => {
  test("has the original decoder's verdict on every vector, at any address, and writes to its fields alone", () => {
    const random = new Random(1);
    const host = new Host(random);
    for (const vector of VECTORS) {
      const bytes = Uint8Array.fromHex(vector.hex);
      const fields = random.below(1000);
      const at = 2000 + random.below(1000);
      host.bytes.set(bytes, at);
      const status = host.decode(at, bytes.length, fields);
      expect(status).toBe(host.field(fields, "status"));
      expect({ hex: vector.hex, ...said(host, at, fields) }).toEqual({ hex: vector.hex, ...verdict(vector) });
    }
    expect(VECTORS.length).toBeGreaterThan(3000);
  });

  test(
    "reads nothing past a datagram's end, be it the memory's end, and never traps",
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

  const ID = ascii("NODEID");
  const IP = Uint8Array.of(10, 9, 0, 2);
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
  ])("says %s as the page has it", (name, bytes) => {
    const host = new Host(new Random(3));
    host.bytes.set(bytes, 64);
    expect(STATUS_NAMES[host.decode(64, bytes.length, 0)]).toBe(name);
  });

  test("tells by its status where the fault is, as the codec in a program does", () => {
    const random = new Random(12);
    const host = new Host(random);
    const codec = createCodec({ backend: "ts" });
    const seen = new Set<number>();
    const hold = (bytes: Uint8Array) => {
      host.bytes.set(bytes, 2000);
      const status = host.decode(2000, bytes.length, 0);
      const result = codec.tryDecode(bytes);
      expect([hex(bytes), STATUS_NAMES[status], faultAt(status, bytes)]).toEqual(
        result.ok ? [hex(bytes), result.packet.type, undefined] : [hex(bytes), result.code, result.offset],
      );
      seen.add(status);
    };
    for (const vector of VECTORS) hold(Uint8Array.fromHex(vector.hex));
    for (let i = 0; i < 5000; i++) hold(mutate(random, Uint8Array.fromHex(random.pick(PACKETS).hex)));
    expect([...seen].sort()).toEqual(Object.values(STATUS));
  });

  test("may give a packet whose bytes are not there, where the host does not check a size: as the page says", () => {
    const host = new Host(new Random(13));
    const end = host.bytes.length;
    const datagram = query(new Uint8Array(100));
    const at = end - 20;
    host.bytes.set(datagram.subarray(0, 20), at);
    expect(host.decode(at, datagram.length, 0)).toBe(STATUS.query!);
    expect(at + host.field(0, "idOffset") + host.field(0, "idLength")).toBeGreaterThan(end);
    // The length of an announcement's IP is behind its NodeID: that is looked at.
    const announced = announcement(new Uint8Array(100), 22000);
    host.bytes.set(announced.subarray(0, 20), at);
    expect(() => host.decode(at, announced.length, 0)).toThrow(WebAssembly.RuntimeError);
    expect(host.decode(at, 20, 0)).toBe(STATUS["bad-id-length"]!);
    // That is there, and the IP is not.
    const cut = announcement(ID, 22000, IP);
    host.bytes.set(cut.subarray(0, 24), end - 24);
    expect(host.decode(end - 24, cut.length, 0)).toBe(STATUS.announcement!);
    expect(end - 24 + host.field(0, "ipOffset")).toBe(end);
    expect(PAGE).toContain("decoding does not touch the bytes of a NodeID, of padding or of an IP");
  });

  test("decodes in memory that has grown", () => {
    const host = new Host(new Random(4));
    host.grow(1000);
    const bytes = announcement(new Uint8Array(1_000_000).fill(7), 22000, IP);
    const at = host.bytes.length - bytes.length;
    host.bytes.set(bytes, at);
    expect(host.decode(at, bytes.length, 0)).toBe(STATUS.announcement!);
    expect(host.field(0, "idLength")).toBe(1_000_000);
  });

  test("traps where fields are past the memory's end, and goes on working", () => {
    const host = new Host(new Random(5));
    host.bytes.set(query(ID), 64);
    expect(() => host.decode(64, 16, host.bytes.length - 8)).toThrow(WebAssembly.RuntimeError);
    expect(host.decode(64, 16, 0)).toBe(STATUS.query!);
  });
});

describe("decodeBatch", () => {
  test("says of each of many what decode says of it, counts the packets, and writes to their fields alone", () => {
    const random = new Random(6);
    const host = new Host(random);
    const table = 3;
    const fields = 10_000;
    for (let first = 0; first < VECTORS.length; ) {
      const batch = VECTORS.slice(first, first + 1 + random.below(100));
      first += batch.length;
      let at = 30_001;
      const places = batch.map(({ hex }, i) => {
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
      expect(batch.map((_, i) => said(host, places[i]!, fieldsOf(i)))).toEqual(batch.map(verdict));
    }
  });

  test("does nothing for none", () => {
    expect(new Host(new Random(7)).call("decodeBatch", { table: 0, count: 0, fields: 0 }, () => [])).toBe(0);
  });
});

describe("encoding", () => {
  test("writes every packet of the vectors, of parts from anywhere, and nothing beside it", () => {
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
    "takes a NodeID from anywhere but the IP's place, and an IP from anywhere, within the packet too",
    () => {
      const random = new Random(9);
      const host = new Host(random);
      const to = 2000;
      let inside = 0;
      for (let i = 0; i < 10_000; i++) {
        const vector = random.pick(PACKETS);
        const [idLength, ipLength] = [vector.nodeId!.length / 2, (vector.ip ?? "").length / 2];
        const ipPlace = to + sizeOf(vector.type!, idLength, 0);
        const near = (length: number) => to - length + random.below(length + sizeOf(vector.type!, idLength, 16));
        const own = to + (vector.type === "query" ? 8 : 12);
        const id = random.once(4) ? own : near(idLength);
        const ip = random.once(4) ? ipPlace : near(ipLength);
        if (ipLength > 0 && id < ipPlace + ipLength && ipPlace < id + idLength) continue;
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

  test("fills a packet up to the memory's very end, and traps a byte later", () => {
    const host = new Host(new Random(10));
    const end = host.bytes.length;
    const call = (to: number) => host.call("encodeQuery", { to, id: 0, length: 5 }, (size) => [[to, size]]);
    expect(call(end - 16)).toBe(16);
    expect(() => call(end - 12)).toThrow(WebAssembly.RuntimeError);
  });

  test("leaves port and IP to the host to check, as the page says", () => {
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
