/** NodeIDs as text. In a packet a NodeID is any bytes, but most are UTF-8 text. */
import { decodeUtf8, encodeUtf8, utf8Length } from "../xdr/runtime/utf8.ts";
import { checkInput } from "./check.ts";
import { checkText, quoted } from "./text.ts";

/**
 * Encodes a text NodeID as UTF-8. {@link nodeIdToText} returns the same text again.
 *
 * @param text - the NodeID. It is encoded unchanged, without Unicode normalization. Packets can contain a NodeID of any
 *   length; by default a server accepts 1 to 64 bytes
 * @returns the bytes of the NodeID, as in a packet
 * @throws {TypeError} if `text` is not a string
 * @throws {RangeError} if `text` has an unpaired surrogate, which UTF-8 cannot encode
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
    throw new RangeError(`text: an unpaired surrogate has no UTF-8: ${quoted(text)}`);
  }
  const nodeId = new Uint8Array(length);
  encodeUtf8(text, length, nodeId, 0);
  return nodeId;
}

/**
 * Decodes a NodeID as UTF-8. No character is replaced, so {@link nodeIdFromText} returns the same bytes again. A NodeID
 * from the network may contain control characters: escape them before you write the text to a terminal or a web page.
 *
 * @param nodeId - any bytes
 * @returns the text; `undefined` if the bytes are not valid UTF-8
 * @throws {TypeError} if `nodeId` is not a Uint8Array, or its buffer is detached. No content makes it throw
 * @example
 * ```ts
 * nodeIdToText(nodeIdFromText("NODE")); // => "NODE"
 *
 * // A NodeID that is a hash is not text: show it as hex.
 * const hash = Uint8Array.of(0xca, 0xfe);
 * nodeIdToText(hash) ?? bytesToHex(hash); // => "cafe"
 * ```
 */
export function nodeIdToText(nodeId: Uint8Array): string | undefined {
  checkInput("nodeId", nodeId);
  return decodeUtf8(nodeId, 0, nodeId.length);
}
