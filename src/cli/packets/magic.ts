/** Whether bytes look like a packet of the protocol. */
import { ANNOUNCEMENT_MAGIC, QUERY_MAGIC } from "../../../assembly/layout.ts";

/** Whether bytes begin as an announcement or a query does. No IP packet begins so. */
export function beginsWithMagic(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const word = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
  return word === ANNOUNCEMENT_MAGIC || word === QUERY_MAGIC;
}
