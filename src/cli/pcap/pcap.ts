/** pcap, the format of `tcpdump -w`: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/ */
import { secondsClock } from "./clock.ts";
import { CaptureError, type Frame, LONGEST_FRAME } from "./frame.ts";
import type { CaptureInput, NeedsMore } from "./input.ts";

/** The magic numbers, one for each unit of time. Their byte order is that of the capture. */
export const MICROSECONDS = 0xa1b2c3d4;
export const NANOSECONDS = 0xa1b23c4d;

const FILE_HEADER = 24;
const FRAME_HEADER = 16;
/** In bytes: more than any link carries at once. Wireshark takes no longer frame either. */
const MAX_FRAME = 128 * 1024 * 1024;

/** Reads a capture from its magic number on. The byte order of the input is set. */
export function* readPcap(input: CaptureInput): Generator<Frame | NeedsMore, void> {
  if (!(yield* input.has(FILE_HEADER))) throw new CaptureError("is cut short: it ends in the header of the file");
  const clock = secondsClock(input.uint32(0) === NANOSECONDS ? 9 : 6);
  // The upper half says how long the checksums after the frames are.
  const linkType = input.uint32(20) & 0xffff;
  input.drop(FILE_HEADER);
  for (let number = 1; yield* input.has(1); number++) {
    const cut = () => new CaptureError(`is cut short: it ends in frame ${number}`);
    if (!(yield* input.has(FRAME_HEADER))) throw cut();
    const time = [input.uint32(0), input.uint32(4)] as const;
    const captured = input.uint32(8);
    if (captured > MAX_FRAME) throw new CaptureError(`is damaged: frame ${number} has a length of ${captured} bytes`);
    input.drop(FRAME_HEADER);
    const kept = Math.min(captured, LONGEST_FRAME);
    if (!(yield* input.has(kept))) throw cut();
    const bytes = input.peek(kept);
    if (!(yield* input.skip(captured))) throw cut();
    yield { number, linkType, bytes, time, clock };
  }
}
