/**
 * Bytes as hex: for packets, and for NodeIDs that are not text. Not every JavaScript engine has `Uint8Array.fromHex`.
 */
import { checkInput } from "./check.ts";
import { checkText, quoted } from "./text.ts";

/**
 * Writes bytes as hex.
 *
 * @param bytes - a packet, a NodeID or any other bytes
 * @returns two lower-case digits per byte
 * @throws {TypeError} if `bytes` is not a Uint8Array, or its buffer is detached
 * @example
 * ```ts
 * bytesToHex(createCodec().encode({ type: "query", nodeId: nodeIdFromText("NODE") })); // => "19760309000000044e4f4445"
 * ```
 */
export function bytesToHex(bytes: Uint8Array): string {
  checkInput("bytes", bytes);
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += (bytes[i]! | 0x100).toString(16).slice(1);
  return text;
}

/**
 * Reads hex.
 *
 * @param text - two digits per byte, upper or lower case, without separators
 * @returns the bytes
 * @throws {TypeError} if `text` is not a string
 * @throws {RangeError} if it is not hex
 * @example
 * ```ts
 * const packet = createCodec().decode(bytesFromHex("19760309000000044e4f4445"));
 * packet.type; // => "query"
 * nodeIdToText(packet.nodeId); // => "NODE"
 * ```
 */
export function bytesFromHex(text: string): Uint8Array<ArrayBuffer> {
  checkText(text);
  const at = text.search(/[^\da-f]/i);
  if (at !== -1) {
    throw new RangeError(`text: expected hex, got ${quoted(text.charAt(at))} as character ${at + 1}`);
  }
  if (text.length % 2 !== 0) throw new RangeError(`text: expected two hex digits per byte, got ${text.length}`);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}
