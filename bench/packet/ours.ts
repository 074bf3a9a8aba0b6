import { type CodecBackend, createCodec } from "../../src/codec/index.ts";
import type { PacketContestant } from "./contestant.ts";

/** This project's codec on the given backend. `createCodec` throws if that backend is not available. */
export function ours(backend: CodecBackend | "auto"): PacketContestant {
  return { who: backend, ...createCodec({ backend }) };
}
