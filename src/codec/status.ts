import {
  STATUS_ANNOUNCEMENT,
  STATUS_BAD_ID_LENGTH,
  STATUS_BAD_IP_LENGTH,
  STATUS_BAD_MAGIC,
  STATUS_BAD_RESERVED,
  STATUS_QUERY,
  STATUS_SHORT,
  STATUS_TRAILING,
} from "../../assembly/layout.ts";
import type { PacketErrorCode } from "./error.ts";
import type { Packet } from "./types.ts";

/**
 * The numbers in the column `status` of a {@link PacketBatch}, by what they stand for: below 2 the type of the packet,
 * from 2 on the reason why the bytes are not a packet ({@link PacketErrorCode}).
 *
 * @example
 * ```ts
 * const batch = createCodec().batch({ packets: 64, bytes: 4096 });
 * batch.fill(bytesFromHex("1976030900000000"), [0], [8]);
 * batch.decode();
 * batch.status[0] === PACKET_STATUS.query; // => true
 * ```
 */
export const PACKET_STATUS: Readonly<Record<Packet["type"] | PacketErrorCode, number>> = {
  announcement: STATUS_ANNOUNCEMENT,
  query: STATUS_QUERY,
  short: STATUS_SHORT,
  "bad-magic": STATUS_BAD_MAGIC,
  "bad-reserved": STATUS_BAD_RESERVED,
  "bad-id-length": STATUS_BAD_ID_LENGTH,
  "bad-ip-length": STATUS_BAD_IP_LENGTH,
  trailing: STATUS_TRAILING,
};
