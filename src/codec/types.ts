import type { PacketErrorCode } from "./error.ts";

/**
 * Where a node is: what a node says of itself, and what a server answers (docs/protocol.md).
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
  /** Tells it from a {@link Query}. */
  readonly type: "announcement";
  /** Any bytes, of any length: {@link nodeIdToText} gives their text, if they are one. */
  readonly nodeId: Uint8Array;
  /** 0 to 65535. */
  readonly port: number;
  /**
   * Network order: 4 bytes (IPv4), 16 (IPv6), or 0, which is "the address that this datagram comes from".
   * {@link ipFromText} and {@link ipToText} have it as text.
   */
  readonly ip: Uint8Array;
}

/** The question where a node is: the answer is an {@link Announcement} of the same NodeID, or nothing. */
export interface Query {
  /** Tells it from an {@link Announcement}. */
  readonly type: "query";
  /** Any bytes, of any length: {@link nodeIdFromText} gives those of a text. */
  readonly nodeId: Uint8Array;
}

/**
 * Either of the two packets that there are; `type` says which.
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
 * What decoding gives where it does not throw: the packet, or why there is none and where in the bytes.
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
