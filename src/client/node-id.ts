/** NodeIDs as callers have them, as packets have them, and as a Map wants them. */
import { nodeIdFromText } from "../codec/index.ts";

/** The bytes of a NodeID: text is UTF-8. @throws {TypeError} or {RangeError} for what cannot be one. */
export function nodeIdBytes(nodeId: string | Uint8Array): Uint8Array {
  const bytes = typeof nodeId === "string" ? nodeIdFromText(nodeId) : nodeId;
  if (!(bytes instanceof Uint8Array)) throw new TypeError("a NodeID must be a string or a Uint8Array");
  if (bytes.length === 0 || bytes.length > 1008) {
    throw new RangeError(`a NodeID must have 1 to 1008 bytes, not ${bytes.length}`);
  }
  return bytes;
}

/** A key for a Map: one character a byte, whatever the bytes are. */
export function nodeIdKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
