/**
 * Measures the codec in a process of its own: `bun limits.ts BACKEND CASE…` prints for each case by how many bytes the process
 * and the module's memory grew while it ran, one JSON object per line. It also prints BEGIN and END to standard error before and
 * after each case, so that the lines of the garbage collector's log in between belong to the case.
 */
import { readFileSync } from "node:fs";
import { type Codec, type CodecBackend, createCodec, PacketFields } from "../../src/codec/index.ts";
import { announcement, ascii, NASTY_LENGTHS, query } from "../support/packets.ts";

export const BEGIN = "~~~ begin";
export const END = "~~~ end";
/** This many calls cause garbage collections even if each allocates only 16 bytes, the smallest allocation. */
const CALLS = 1_000_000;
/** After this many calls most of the code is compiled. */
const WARM_UP = 200_000;
/** A packet of this size still fits into the module's memory, so the wasm backend handles it in wasm. */
export const HUGE = 2 ** 24 - 4096;
/** A packet of this size does not fit, so both backends handle it in TypeScript. */
export const HUGER = 2 ** 24 + 4096;
export const MANY = 1_000_000;

const fields = new PacketFields();

/** Short packets with every nasty length in each of their length fields. */
function packetsWithBadLengths(): Uint8Array[] {
  return NASTY_LENGTHS.filter((length) => length > 20).flatMap((length) => {
    const id = query(ascii("NODE"));
    new DataView(id.buffer).setUint32(4, length);
    const announced = announcement(ascii("NODE"), 22000);
    new DataView(announced.buffer).setUint32(8, length);
    const ip = announcement(ascii("NODE"), 22000, new Uint8Array(16));
    new DataView(ip.buffer).setUint32(16, length);
    return [id, announced, ip];
  });
}

/** `size` bytes that start like a packet, with `length` as the length of its NodeID. Creates no temporary arrays. */
function huge(start: Uint8Array, length: number, size = HUGE): Uint8Array {
  const bytes = new Uint8Array(size).fill(1);
  bytes.set(start);
  new DataView(bytes.buffer).setUint32(start.length - 4, length);
  return bytes;
}

const QUERY = query(new Uint8Array(0));
const ANNOUNCEMENT = announcement(new Uint8Array(0), 22000).subarray(0, 12);

function roundTrip(codec: Codec, size: number): () => void {
  const bytes = huge(QUERY, size - 8, size);
  return () => {
    const packet = codec.decode(bytes);
    const again = codec.encode(packet);
    if (Buffer.compare(again, bytes) !== 0) throw new Error("the encoded bytes differ");
  };
}

/** Each case prepares its data and returns the function to measure. */
const CASES: Record<string, (codec: Codec) => () => void> = {
  decodeInto: (codec) => {
    const datagram = announcement(ascii("N".repeat(52)), 22000, Uint8Array.of(192, 0, 2, 1));
    return () => repeat(CALLS, () => codec.decodeInto(datagram, fields));
  },
  "decodeInto, bad": (codec) => {
    const list = packetsWithBadLengths();
    return () =>
      repeat(CALLS / list.length, () => {
        for (const bytes of list) if (codec.decodeInto(bytes, fields)) throw new Error("a bad length was accepted");
      });
  },
  encodeInto: (codec) => {
    const packet = codec.decode(announcement(ascii("N".repeat(52)), 22000, Uint8Array.of(192, 0, 2, 1)));
    const target = new Uint8Array(100);
    return () => repeat(CALLS, () => codec.encodeInto(packet, target));
  },
  "encodeInto, longest": (codec) => {
    const packet = codec.decode(announcement(new Uint8Array(1008), 22000, new Uint8Array(16)));
    const target = new Uint8Array(1040);
    return () => repeat(CALLS, () => codec.encodeInto(packet, target));
  },
  batch: (codec) => {
    const datagrams = [
      announcement(ascii("N".repeat(52)), 22000, new Uint8Array(16)),
      query(ascii("N")),
      query(ascii("")),
    ];
    const bytes = Uint8Array.from(datagrams.flatMap((datagram) => [...datagram]));
    const lengths = datagrams.map(({ length }) => length);
    const offsets = [0, lengths[0]!, lengths[0]! + lengths[1]!];
    const batch = codec.batch({ packets: 3, bytes: 1000 });
    return () =>
      repeat(CALLS / 4, () => {
        batch.fill(bytes, offsets, lengths);
        batch.count = batch.decode();
        batch.encode();
        batch.decode();
      });
  },
  decode: (codec) => {
    const datagram = query(ascii("N".repeat(52)));
    return () => repeat(CALLS, () => codec.decode(datagram));
  },
  "bad lengths": (codec) => {
    const list = packetsWithBadLengths();
    return () =>
      repeat(CALLS / list.length / 2, () => {
        for (const { ok } of codec.decodeMany(list)) if (ok) throw new Error("a bad length was accepted");
        for (const bytes of list) if (codec.tryDecode(bytes).ok) throw new Error("a bad length was accepted");
      });
  },
  "16 MiB, bad": (codec) => {
    const magic = huge(new Uint8Array(4), 0);
    const trailing = huge(QUERY, 4);
    const cut = huge(QUERY, HUGE - 7);
    const ip = huge(ANNOUNCEMENT, HUGE - 16);
    return () =>
      repeat(10, () => {
        for (const [bytes, code] of [
          [magic, "bad-magic"],
          [trailing, "trailing"],
          [cut, "bad-id-length"],
          [ip, "bad-ip-length"],
        ] as const) {
          const [result] = codec.decodeMany([bytes]);
          if (result!.ok || result!.code !== code) throw new Error(`${code} was not reported`);
          codec.decodeInto(bytes, fields);
        }
      });
  },
  "16 MiB, good": (codec) => roundTrip(codec, HUGE),
  "beyond 16 MiB, good": (codec) => roundTrip(codec, HUGER),
  "many, bad": (codec) => {
    const list = new Array<Uint8Array>(MANY).fill(packetsWithBadLengths()[0]!);
    return () => {
      const results = codec.decodeMany(list);
      if (results.length !== MANY || results.some(({ ok }) => ok)) throw new Error("a bad length was accepted");
    };
  },
};

/**
 * The peak resident size of the process in bytes. On Linux it is read from /proc, since `resourceUsage` starts with the
 * peak of the parent process there.
 */
function peak(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const status = readFileSync("/proc/self/status", "latin1");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

function repeat(times: number, run: () => unknown): void {
  for (let i = 0; i < times; i++) run();
}

if (import.meta.main) {
  const [backend, ...names] = process.argv.slice(2) as [CodecBackend, ...string[]];
  const memories: WebAssembly.Memory[] = [];
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(module: WebAssembly.Module) {
      super(module);
      memories.push(this.exports.memory as WebAssembly.Memory);
    }
  };
  const codec = createCodec({ backend });
  const memory = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  // Warm up, so that compiling is not measured.
  const packet = codec.decode(announcement(ascii("N".repeat(52)), 22000, Uint8Array.of(192, 0, 2, 1)));
  const target = new Uint8Array(100);
  repeat(WARM_UP, () => codec.decodeInto(target.subarray(0, codec.encodeInto(packet, target)), fields));
  for (const name of names) {
    const run = CASES[name]!(codec);
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    const memoryBefore = memory();
    console.error(BEGIN);
    run();
    console.error(END);
    console.log(JSON.stringify({ grown: peak() - before, memory: memory() - memoryBefore }));
  }
}
