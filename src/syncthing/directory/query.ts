/** The device that a look-up asks for. This runs for every look-up, so it throws nothing. */
import { tryParseDeviceId } from "../device-id.ts";

const PLAIN = "device=";

/**
 * The device that a request asks for, by its parameter `device`.
 *
 * @param target - path and query of the request, such as `/v2/?device=…`
 * @returns 32 bytes; undefined if there is no such parameter, or it is empty; "invalid" if it is not a device ID
 */
export function askedDevice(target: string): Uint8Array | "invalid" | undefined {
  const query = target.indexOf("?");
  if (query < 0) return undefined;
  if (target.startsWith(PLAIN, query + 1)) {
    // As Syncthing writes it: nothing to decode.
    const id = tryParseDeviceId(target.slice(query + 1 + PLAIN.length));
    if (id !== undefined) return id;
  }
  const text = new URLSearchParams(target.slice(query + 1)).get("device");
  if (text === null || text === "") return undefined;
  return tryParseDeviceId(text) ?? "invalid";
}
