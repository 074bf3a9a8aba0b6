/** Packets from lines of text: plain hex, one packet per line, or hex dumps of several lines per packet. */
import { bytesFromHex } from "../../codec/index.ts";
import { udpPayload } from "./frame.ts";
import { PacketInputError, parseHex, quote } from "./hex.ts";
import { beginsWithMagic } from "./magic.ts";

/** A line of `tcpdump -x` or `xxd`: an offset in hex, a colon, and blanks before the bytes. */
const DUMP_LINE = /^[ \t]*(?:0x)?([0-9a-f]{4,8}):[ \t]+(.*)$/i;
/** Groups of bytes, with one space between two groups. After two spaces comes text, not bytes. */
const DUMP_BYTES = /^((?:[0-9a-f]{2})+(?: (?:[0-9a-f]{2})+)*)(?:[ \t]*$|[ \t]{2})/i;
/**
 * Lines that tcpdump prints before a dump. One has the addresses with ` > ` between them. With -v, the fields of the IP
 * header come first, after `IP (` or `IP6 (`; for IPv4 they are on a line of their own.
 */
const SUMMARY = / > |\bIP6? \(/;
/** In bytes: enough for most packets. */
const FIRST_SIZE = 256;
/** In bytes: longer than any IP packet with its link-layer header. */
const LONGEST_DUMP = 70_000;

interface Dump {
  readonly firstLine: number;
  /** Its first `length` bytes are those of the dump. */
  bytes: Uint8Array;
  length: number;
  /** Its packet was complete and has been returned. What follows in the dump is padding. */
  done: boolean;
}

/** Reads packets line by line, and returns each as soon as it is complete. */
export class PacketReader {
  #line = 0;
  #dump: Dump | undefined;

  /** Lines read so far. */
  get lines(): number {
    return this.#line;
  }

  /**
   * @returns the packets that this line completes: none, one, or two if it ends a dump and is a packet itself
   * @throws {PacketInputError} if the line, or the dump that it ends, is not a packet
   */
  read(line: string): Uint8Array[] {
    this.#line++;
    const [, offset, rest] = DUMP_LINE.exec(line) ?? [];
    if (offset !== undefined) return this.#readDumpLine(Number.parseInt(offset, 16), rest!);
    const afterDump = this.#dump !== undefined;
    const ended = this.end();
    if (SUMMARY.test(line)) return ended;
    // An empty line is an empty packet, but one after a dump only ends the dump.
    if (afterDump && line.trim() === "") return ended;
    return [...ended, parseHex(line)];
  }

  /**
   * Ends the input.
   *
   * @returns the packet of the last dump, if it was not returned before
   * @throws {PacketInputError} if that dump is not a packet
   */
  end(): Uint8Array[] {
    const dump = this.#dump;
    this.#dump = undefined;
    if (dump === undefined || dump.done) return [];
    const bytes = bytesOf(dump);
    if (beginsWithMagic(bytes)) return [bytes];
    const payload = udpPayload(bytes);
    if (typeof payload !== "string") return [payload];
    throw new PacketInputError(`begins a dump ${payload}`, dump.firstLine);
  }

  #readDumpLine(offset: number, rest: string): Uint8Array[] {
    const ended = offset === 0 ? this.end() : [];
    const digits = DUMP_BYTES.exec(rest)?.[1]?.replaceAll(" ", "").toLowerCase();
    if (digits === undefined) throw new PacketInputError(`is not a line of a hex dump: its bytes are ${quote(rest)}`);
    this.#dump ??= { firstLine: this.#line, bytes: new Uint8Array(FIRST_SIZE), length: 0, done: false };
    const dump = this.#dump;
    const expected = dump.length;
    if (offset !== expected) {
      const text = (n: number) => `0x${n.toString(16).padStart(4, "0")}`;
      throw new PacketInputError(
        `is not the next line of the dump: its offset is ${text(offset)}, not ${text(expected)}`,
      );
    }
    append(dump, bytesFromHex(digits));
    if (expected > LONGEST_DUMP) throw new PacketInputError("belongs to a dump that is longer than any packet");
    const bytes = bytesOf(dump);
    if (dump.done || beginsWithMagic(bytes)) return ended;
    const payload = udpPayload(bytes);
    if (typeof payload === "string") return ended;
    dump.done = true;
    return [...ended, payload];
  }
}

function append(dump: Dump, bytes: Uint8Array): void {
  const length = dump.length + bytes.length;
  if (length > dump.bytes.length) {
    const larger = new Uint8Array(2 * length);
    larger.set(dump.bytes);
    dump.bytes = larger;
  }
  dump.bytes.set(bytes, dump.length);
  dump.length = length;
}

function bytesOf({ bytes, length }: Dump): Uint8Array {
  return bytes.subarray(0, length);
}
