export type { Codec, CodecBackend, CodecOptions } from "./codec.ts";
export { createCodec } from "./create.ts";
export { PacketError, type PacketErrorCode } from "./error.ts";
export { PacketFields } from "./fields.ts";
export { bytesFromHex, bytesToHex } from "./hex.ts";
export { ipFromText, ipToText, tryIpFromText } from "./ip.ts";
export { nodeIdFromText, nodeIdToText } from "./node-id.ts";
export type { Announcement, DecodeResult, Packet, Query } from "./types.ts";
