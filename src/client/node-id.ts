/** NodeIDs: as callers pass them, as bytes in packets, and as keys of a Map. */
import { MAX_ID_LENGTH } from "../../assembly/layout.ts";
import { describeValue } from "../xdr/describe-value.ts";

/** base32 (RFC 4648 §6) in lower case: easy to read aloud and to type. */
const RANDOM_LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * The bytes of a NodeID; text is encoded as UTF-8.
 *
 * @param name - what error messages call the value
 * @throws {TypeError} if it is neither text nor bytes, {RangeError} if it is empty or too long
 */
export function nodeIdBytes(nodeId: string | Uint8Array, name = "a NodeID"): Uint8Array {
  const bytes = typeof nodeId === "string" ? utf8(nodeId) : nodeId;
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`${name} must be a string or a Uint8Array, not ${describeValue(bytes)}`);
  }
  if (bytes.length === 0 || bytes.length > MAX_ID_LENGTH) {
    throw new RangeError(`${name} must have 1 to ${MAX_ID_LENGTH} bytes, not ${bytes.length}`);
  }
  return bytes;
}

/** @throws {RangeError} if it has no UTF-8 */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new RangeError("an unpaired surrogate has no UTF-8");
  return new TextEncoder().encode(text);
}

/** A NodeID that no other node has: 80 random bits as 16 letters and digits. */
export function randomNodeId(): Uint8Array {
  const id = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < id.length; i++) id[i] = RANDOM_LETTERS.charCodeAt(id[i]! % RANDOM_LETTERS.length);
  return id;
}

/** A Map key: one character per byte, for any bytes. */
export function nodeIdKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
