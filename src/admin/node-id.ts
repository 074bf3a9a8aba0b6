/** The NodeID in the path `/api/nodes/ID`. */
import { MAX_ID_LENGTH } from "../../assembly/layout.ts";
import { bytesFromHex, nodeIdFromText } from "../codec/index.ts";
import { nodeIdOfDeviceId } from "../syncthing/device-id.ts";

const HEX_PREFIX = "hex:";

/**
 * @param encoded - what follows `/api/nodes/`; a device ID of Syncthing with check characters stands for the device's NodeID
 * @throws {RangeError} if it is no NodeID; the message says why
 */
export function nodeIdFromPath(encoded: string): Uint8Array {
  const nodeId = bytesOf(encoded);
  if (nodeId.length >= 1 && nodeId.length <= MAX_ID_LENGTH) return nodeId;
  throw new RangeError(`a NodeID has 1 to ${MAX_ID_LENGTH} bytes, not ${nodeId.length}`);
}

function bytesOf(encoded: string): Uint8Array {
  let text: string;
  try {
    text = decodeURIComponent(encoded);
  } catch {
    throw new RangeError("the path is not UTF-8 with percent-encoding: write a NodeID of other bytes as hex:…");
  }
  if (!text.startsWith(HEX_PREFIX)) return nodeIdFromText(nodeIdOfDeviceId(text) ?? text);
  try {
    return bytesFromHex(text.slice(HEX_PREFIX.length));
  } catch {
    throw new RangeError(`after ${HEX_PREFIX} there must be pairs of hex digits`);
  }
}
