import { errorCode, errorOffset } from "./error.ts";
import type { DecodeResult, Packet } from "./types.ts";

/** Turns what a backend's `decode` returned for `bytes` into the public result. */
export function resultOf(bytes: Uint8Array, packet: Packet | number): DecodeResult {
  if (typeof packet !== "number") return { ok: true, packet };
  return { ok: false, code: errorCode(packet), offset: errorOffset(bytes, packet) };
}
