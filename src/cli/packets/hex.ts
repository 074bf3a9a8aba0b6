/** Bytes from hex, as people and tools write it. */

import { bytesFromHex } from "../../codec/index.ts";

/** How much of the input an error message quotes, in characters. */
const QUOTED = 40;

/** The input is not a packet. The message continues a sentence that begins with `line 3` or `argument 2`. */
export class PacketInputError extends Error {
  override readonly name = "PacketInputError";
  /** The line, from 1 on, if it is not the line read last. */
  readonly line: number | undefined;

  constructor(message: string, line?: number) {
    super(message);
    this.line = line;
  }
}

/**
 * The bytes of hex digits in upper or lower case, alone or in groups of whole bytes with spaces, tabs or colons between
 * them. Each group may begin with `0x`.
 *
 * @throws {PacketInputError} for anything else
 */
export function parseHex(text: string): Uint8Array {
  const plain = text.length % 2 === 0 && !/[^0-9a-f]/i.test(text);
  return bytesFromHex(plain ? text : joinGroups(text));
}

function joinGroups(text: string): string {
  let digits = "";
  for (const { 0: group, index } of text.matchAll(/[^ \t:]+/g)) {
    const begin = /^0x/i.test(group) ? 2 : 0;
    const wrong = group.slice(begin).search(/[^0-9a-f]/i);
    if (wrong >= 0) {
      const at = index + begin + wrong;
      throw new PacketInputError(`is not hex: ${quote(text)} has ${quote(text.charAt(at))} at character ${at + 1}`);
    }
    const length = group.length - begin;
    if (length % 2 === 1) {
      throw new PacketInputError(`is not hex: ${quote(group)} has an odd number of digits, ${length}`);
    }
    digits += group.slice(begin);
  }
  return digits;
}

/** In printable ASCII: control characters of the input must not reach the terminal. */
export function quote(text: string): string {
  const quoted = JSON.stringify(text.slice(0, QUOTED));
  const ascii = quoted.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return text.length > QUOTED ? `${ascii}…` : ascii;
}
