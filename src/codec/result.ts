import { errorCode, errorOffset } from "./error.ts";
import type { DecodeResult, Packet } from "./types.ts";

/** The result for a packet that `bytes` are, or for the status that says why they are none. */
export function resultOf(bytes: Uint8Array, packet: Packet | number): DecodeResult {
  if (typeof packet !== "number") return { ok: true, packet };
  return { ok: false, code: errorCode(packet), offset: errorOffset(bytes, packet) };
}
