/** What a program waits for when it uses the codec for the first time. */
import type { CodecBackend } from "../../../src/codec/index.ts";

export const FIRST_USES = ["decode", "batch"] as const;

export interface FirstUse {
  /** The codec's module: a path, or an absolute URL in a page. */
  readonly module: string;
  readonly backend: CodecBackend;
  /** One packet through `tryDecode`, or 64 through a batch. */
  readonly use: (typeof FIRST_USES)[number];
}

/** In milliseconds. */
export interface FirstUseTimes {
  readonly importing: number;
  /** Creating the codec and using it once. */
  readonly using: number;
}

/** Must run in a new process or page. It stands alone, since it is sent there as text: `String(firstUse)`. */
export async function firstUse({ module, backend, use }: FirstUse): Promise<FirstUseTimes> {
  // 64 announcements with a NodeID of 52 bytes and an IPv4 address.
  const datagram = new Uint8Array(72);
  datagram.set([0x20, 0x12, 0x10, 0x25, 0x55, 0xf0, 0, 0, 0, 0, 0, 52]);
  datagram.fill(65, 12, 64);
  datagram.set([0, 0, 0, 4, 192, 0, 2, 1], 64);
  const buffer = new Uint8Array(64 * 72);
  const offsets = new Uint32Array(64);
  const lengths = new Uint32Array(64).fill(72);
  for (let i = 0; i < 64; i++) {
    buffer.set(datagram, i * 72);
    offsets[i] = i * 72;
  }

  const start = performance.now();
  const { createCodec } = (await import(module)) as typeof import("../../../src/codec/index.ts");
  const imported = performance.now();
  const codec = createCodec({ backend });
  let good: number;
  if (use === "decode") {
    good = codec.tryDecode(datagram).ok ? 1 : 0;
  } else {
    const batch = codec.batch({ packets: 64, bytes: buffer.length });
    batch.fill(buffer, offsets, lengths);
    good = batch.decode();
  }
  const end = performance.now();
  if (good !== (use === "decode" ? 1 : 64)) throw new Error(`${backend} decodes ${good} packets`);
  return { importing: imported - start, using: end - imported };
}
