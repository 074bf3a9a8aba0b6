import { type CodecBackend, createCodec } from "../../src/codec/index.ts";
import type { PacketContestant } from "./contestant.ts";

/** The codec on a backend that it must really run on. */
export function ours(backend: CodecBackend): PacketContestant {
  const { decode, encode, decodeInto, encodeInto, decodeMany, encodeMany } = createCodec({ backend });
  return { who: backend, decode, encode, decodeInto, encodeInto, decodeMany, encodeMany };
}
