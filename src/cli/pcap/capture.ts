/** Reads a capture of either format. */
import { CaptureError, type Frame } from "./frame.ts";
import { CaptureInput, type NeedsMore } from "./input.ts";
import { MICROSECONDS, NANOSECONDS, readPcap } from "./pcap.ts";
import { readPcapng, SECTION } from "./pcapng.ts";

/** The first two bytes of a file that gzip has compressed. */
const GZIP = [0x1f, 0x8b];

/**
 * Reads the frames of a capture while it arrives.
 *
 * @param chunks - the bytes of the capture. They must not be changed later
 * @returns for each chunk the frames that it completes
 * @throws {CaptureError} after the frames before, if it is no capture, is damaged, or ends within a frame
 */
export async function* readCapture(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame[], void> {
  const input = new CaptureInput();
  const frames = readFrames(input);
  for await (const chunk of chunks) {
    input.add(chunk);
    yield* arrived(frames);
  }
  input.end();
  yield* arrived(frames);
}

/** The frames that have arrived, as one list. An error comes after it. */
function* arrived(frames: Generator<Frame | NeedsMore, void>): Generator<Frame[], void> {
  const list: Frame[] = [];
  try {
    for (let next = frames.next(); !next.done && next.value !== undefined; next = frames.next()) list.push(next.value);
  } catch (error) {
    yield list;
    throw error;
  }
  yield list;
}

function* readFrames(input: CaptureInput): Generator<Frame | NeedsMore, void> {
  if (!(yield* input.has(1))) throw new CaptureError("is empty");
  if (yield* input.has(4)) {
    if (input.uint32(0) === SECTION) return yield* readPcapng(input);
    for (const littleEndian of [false, true]) {
      input.littleEndian = littleEndian;
      if ([MICROSECONDS, NANOSECONDS].includes(input.uint32(0))) return yield* readPcap(input);
    }
    if (GZIP.every((byte, i) => input.uint8(i) === byte)) {
      throw new CaptureError("is compressed: gunzip -c FILE | whereabouts decode --pcap -");
    }
  }
  throw new CaptureError("is no capture in the format pcap or pcapng, which tcpdump -w and Wireshark write");
}
