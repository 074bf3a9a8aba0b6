export { createCodec } from "./create.ts";
export { PacketError, type PacketErrorCode } from "./error.ts";
export { PacketFields } from "./fields.ts";
export type { Announcement, Codec, CodecBackend, CodecOptions, DecodeResult, Packet, Query } from "./types.ts";
