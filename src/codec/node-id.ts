/** NodeIDs that are text: a packet takes any bytes for one, yet most are chosen by people or printed for them. */
import { plainView } from "../xdr/bytes.ts";
import { readUtf8, utf8Length, writeUtf8 } from "../xdr/utf8.ts";
import { checkInput } from "./check.ts";
import { checkText, quoted } from "./text.ts";

/**
 * The bytes of a NodeID that is text, in UTF-8. {@link nodeIdToText} gives the same text back.
 *
 * @param text - the NodeID, taken as it is: in particular, no character is taken for another that looks alike. Packets can
 *   carry any length; servers take 1 to 64 bytes unless they are told otherwise
 * @returns its bytes, as a packet carries them
 * @throws {TypeError} if `text` is not a string
 * @throws {RangeError} if it has half of a surrogate pair without the other, for which UTF-8 has no bytes
 * @example
 * ```ts
 * nodeIdFromText("NØDE"); // => Uint8Array.of(0x4e, 0xc3, 0x98, 0x44, 0x45)
 * nodeIdFromText("\ud83d"); // throws RangeError
 * ```
 */
export function nodeIdFromText(text: string): Uint8Array<ArrayBuffer> {
  checkText(text);
  const length = utf8Length(text);
  if (length < 0) {
    throw new RangeError(`text: a surrogate without its other half has no UTF-8: ${quoted(text)}`);
  }
  const nodeId = new Uint8Array(length);
  writeUtf8(text, length, nodeId, 0);
  return nodeId;
}

/**
 * The text of a NodeID, if it is one: nothing is replaced, so {@link nodeIdFromText} gives the same bytes back. Text that came
 * from a stranger may hold control characters: not to be sent to a terminal, nor into a page, as it is.
 *
 * @param nodeId - any bytes
 * @returns the text; `undefined` if the bytes are not UTF-8
 * @throws {TypeError} if `nodeId` is not a Uint8Array, or its buffer is detached; nothing else, whatever it holds
 * @example
 * ```ts
 * nodeIdToText(nodeIdFromText("NODE")); // => "NODE"
 *
 * // The hash of a key, say, is not text: show it in hex.
 * const hash = Uint8Array.of(0xca, 0xfe);
 * nodeIdToText(hash) ?? bytesToHex(hash); // => "cafe"
 * ```
 */
export function nodeIdToText(nodeId: Uint8Array): string | undefined {
  checkInput("nodeId", nodeId);
  return readUtf8(plainView(nodeId));
}
