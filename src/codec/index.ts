/**
 * Packets of the discovery protocol to bytes and back, through WebAssembly or in TypeScript. For Bun, Node and browsers. Start with
 * {@link createCodec}.
 *
 * @module whereabouts/codec
 */
export type { BatchOptions, PacketBatch } from "./batch/batch.ts";
export type { Codec, CodecOptions } from "./codec.ts";
export { createCodec } from "./create.ts";
export { PacketError, type PacketErrorCode } from "./error.ts";
export { PacketFields } from "./fields.ts";
export { bytesFromHex, bytesToHex } from "./hex.ts";
export { ipFromText, ipToText, tryIpFromText } from "./ip.ts";
export { nodeIdFromText, nodeIdToText } from "./node-id.ts";
export { PACKET_STATUS } from "./status.ts";
export type { Announcement, CodecBackend, DecodeResult, Packet, Query } from "./types.ts";
