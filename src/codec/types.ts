import type { PacketErrorCode } from "./error.ts";

/**
 * Where a node is: a node announces itself with this packet, and a server answers queries with it (docs/protocol.md).
 *
 * @example
 * ```ts
 * const announcement: Announcement = {
 *   type: "announcement",
 *   nodeId: nodeIdFromText("NODE"),
 *   port: 22000,
 *   ip: ipFromText("192.0.2.1"),
 * };
 * ipToText(announcement.ip); // => "192.0.2.1"
 * ```
 */
export interface Announcement {
  /** Distinguishes it from a {@link Query}. */
  readonly type: "announcement";
  /** Any bytes of any length. {@link nodeIdToText} decodes a NodeID that is text. */
  readonly nodeId: Uint8Array;
  /** 0 to 65535. */
  readonly port: number;
  /**
   * In network byte order: 4 bytes (IPv4), 16 bytes (IPv6), or 0 bytes, which stand for the source address of the
   * datagram. {@link ipFromText} and {@link ipToText} convert it.
   */
  readonly ip: Uint8Array;
}

/** Asks where a node is. The answer is an {@link Announcement} with the same NodeID, or no answer. */
export interface Query {
  /** Distinguishes it from an {@link Announcement}. */
  readonly type: "query";
  /** Any bytes of any length. {@link nodeIdFromText} encodes a NodeID that is text. */
  readonly nodeId: Uint8Array;
}

/**
 * A packet of the protocol. `type` distinguishes the two kinds.
 *
 * @example
 * ```ts
 * function describe(packet: Packet): string {
 *   const id = nodeIdToText(packet.nodeId) ?? bytesToHex(packet.nodeId);
 *   switch (packet.type) {
 *     case "announcement":
 *       return `${id} is at ${ipToText(packet.ip) ?? "the sender's address"}, port ${packet.port}`;
 *     case "query":
 *       return `where is ${id}?`;
 *   }
 * }
 *
 * describe({ type: "query", nodeId: Uint8Array.of(0xff) }); // => "where is ff?"
 * ```
 */
export type Packet = Announcement | Query;

/**
 * The result of decoding without exceptions: the packet, or an error code and the offset of the error in bytes.
 *
 * @example
 * ```ts
 * const result: DecodeResult = createCodec().tryDecode(new Uint8Array(4));
 * result.ok ? result.packet.type : result.code; // => "bad-magic"
 * ```
 */
export type DecodeResult =
  | { readonly ok: true; readonly packet: Packet }
  | { readonly ok: false; readonly code: PacketErrorCode; readonly offset: number };

/** WebAssembly or TypeScript. Both give the same results, byte for byte. */
export type CodecBackend = "wasm" | "ts";
