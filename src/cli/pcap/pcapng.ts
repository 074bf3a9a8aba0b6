/** pcapng, the format of Wireshark and dumpcap: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/ */
import { type Clock, NO_TIME, unitsClock } from "./clock.ts";
import { CaptureError, type Frame, LONGEST_FRAME } from "./frame.ts";
import type { CaptureInput, NeedsMore } from "./input.ts";

/** The type of a section's first block. It is the same in both byte orders. */
export const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
/** An obsolete form of {@link ENHANCED_PACKET}. */
const PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
/** The size of their bodies without options and frames, in bytes. Blocks of other types are skipped. */
const FIXED = { [SECTION]: 16, [INTERFACE]: 8, [PACKET]: 20, [SIMPLE_PACKET]: 4, [ENHANCED_PACKET]: 20 } as const;

/** Type and length of a block stand before its body, and the length again after it. */
const BLOCK_HEADER = 8;
const BLOCK_TRAILER = 4;
const AROUND_BODY = BLOCK_HEADER + BLOCK_TRAILER;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_END = 0;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;
/** Microseconds. */
const DEFAULT_RESOLUTION = 6;
/** Per section. A hostile capture must not fill the memory. */
const MAX_INTERFACES = 65_536;

interface Interface {
  readonly linkType: number;
  /** At most this many bytes of a frame were captured. 0: no limit. */
  readonly snapLength: number;
  readonly clock: Clock;
}

/** Reads a capture from the type of its first block on. */
export function* readPcapng(input: CaptureInput): Generator<Frame | NeedsMore, void> {
  let interfaces: Interface[] = [];
  let number = 1;
  for (let block = 1; yield* input.has(1); block++) {
    const damaged = (why: string) => new CaptureError(`is damaged: block ${block} ${why}`);
    const cut = () => new CaptureError(`is cut short: it ends in block ${block}, after ${number - 1} frames`);
    if (!(yield* input.has(AROUND_BODY))) throw cut();
    const type = input.uint32(0);
    if (type === SECTION && !setByteOrder(input)) throw damaged("does not tell its byte order");
    const length = input.uint32(4);
    if (length < AROUND_BODY || length % 4 !== 0) throw damaged(`has a length of ${length} bytes`);
    const size = length - AROUND_BODY;
    input.drop(BLOCK_HEADER);
    let frame: Frame | undefined;
    if (isKnown(type)) {
      if (size < FIXED[type]) throw damaged(`is too short, ${length} bytes`);
      const kept = Math.min(size, LONGEST_FRAME);
      if (!(yield* input.has(kept))) throw cut();
      if (type === SECTION) {
        if (input.uint16(4) !== 1) throw new CaptureError(`has version ${input.uint16(4)} of pcapng: 1 is known`);
        interfaces = [];
      } else if (type === INTERFACE) {
        if (interfaces.length === MAX_INTERFACES) throw damaged(`is interface ${MAX_INTERFACES + 1} of its section`);
        interfaces.push(readInterface(input, kept));
      } else {
        const { interfaceId, time, ...packet } = type === SIMPLE_PACKET ? simplePacket(input) : fullPacket(input, type);
        const from = interfaces[interfaceId];
        if (from === undefined) throw damaged(`names interface ${interfaceId}, which was not described before`);
        const rest = size - FIXED[type];
        const captured = packet.captured ?? Math.min(rest, packet.length, from.snapLength || rest);
        if (captured > rest) throw damaged(`is shorter than its frame of ${captured} bytes`);
        const bytes = input.peek(kept).subarray(FIXED[type], FIXED[type] + captured);
        frame = {
          number,
          linkType: from.linkType,
          bytes,
          time: time ?? [0, 0],
          clock: time === undefined ? NO_TIME : from.clock,
        };
      }
    }
    if (!(yield* input.skip(size)) || !(yield* input.has(BLOCK_TRAILER))) throw cut();
    if (input.uint32(0) !== length) throw damaged("has different lengths at its start and its end");
    input.drop(BLOCK_TRAILER);
    if (frame !== undefined) {
      yield frame;
      number++;
    }
  }
}

function isKnown(type: number): type is keyof typeof FIXED {
  return type in FIXED;
}

/** @returns false if the block does not say which byte order its section has */
function setByteOrder(input: CaptureInput): boolean {
  for (const littleEndian of [false, true]) {
    input.littleEndian = littleEndian;
    if (input.uint32(BLOCK_HEADER) === BYTE_ORDER_MAGIC) return true;
  }
  return false;
}

/** @param size - of the body, as far as it is kept */
function readInterface(input: CaptureInput, size: number): Interface {
  let resolution = DEFAULT_RESOLUTION;
  let offset = 0n;
  let at: number = FIXED[INTERFACE];
  while (at + 4 <= size) {
    const code = input.uint16(at);
    const length = input.uint16(at + 2);
    const value = at + 4;
    if (code === OPTION_END || value + length > size) break;
    if (code === OPTION_RESOLUTION && length === 1) resolution = input.uint8(value);
    if (code === OPTION_OFFSET && length === 8) offset = input.int64(value);
    at = value + length + (-length & 3);
  }
  return { linkType: input.uint16(0), snapLength: input.uint32(4), clock: unitsClock(resolution, offset) };
}

interface PacketFields {
  readonly interfaceId: number;
  readonly time: readonly [high: number, low: number] | undefined;
  /** The captured bytes of the frame, if the block tells their number. */
  readonly captured: number | undefined;
  /** Of the frame on the link, in bytes. */
  readonly length: number;
}

function simplePacket(input: CaptureInput): PacketFields {
  return { interfaceId: 0, time: undefined, captured: undefined, length: input.uint32(0) };
}

function fullPacket(input: CaptureInput, type: typeof PACKET | typeof ENHANCED_PACKET): PacketFields {
  return {
    interfaceId: type === PACKET ? input.uint16(0) : input.uint32(0),
    time: [input.uint32(4), input.uint32(8)],
    captured: input.uint32(12),
    length: input.uint32(16),
  };
}
