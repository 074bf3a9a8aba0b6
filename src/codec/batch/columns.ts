/** Where the columns and the room of a batch are in a buffer: the columns first, as assembly/columns.ts has them. */
import {
  COLUMN_ID_LENGTH,
  COLUMN_ID_OFFSET,
  COLUMN_IP_LENGTH,
  COLUMN_IP_OFFSET,
  COLUMN_LENGTH,
  COLUMN_OFFSET,
  COLUMN_PORT,
  COLUMN_STATUS,
  COLUMNS,
} from "../../../assembly/layout.ts";

type Column = Uint32Array<ArrayBuffer>;

/** The room of a batch, and its columns: the documented ones of PacketBatch. */
export interface Columns {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offsets: Column;
  readonly lengths: Column;
  readonly status: Column;
  readonly port: Column;
  readonly nodeIdOffset: Column;
  readonly nodeIdLength: Column;
  readonly ipOffset: Column;
  readonly ipLength: Column;
}

/** Size of the columns of a batch in bytes, and so the offset of its room in the buffer. */
export function columnsSize(packets: number): number {
  return COLUMNS * 4 * packets;
}

/** Views of a batch for `packets` packets and `bytes` bytes in a buffer that has room for both. */
export function columnsOf(buffer: ArrayBuffer, packets: number, bytes: number): Columns {
  const column = (number: number) => new Uint32Array(buffer, number * 4 * packets, packets);
  return {
    bytes: new Uint8Array(buffer, columnsSize(packets), bytes),
    offsets: column(COLUMN_OFFSET),
    lengths: column(COLUMN_LENGTH),
    status: column(COLUMN_STATUS),
    port: column(COLUMN_PORT),
    nodeIdOffset: column(COLUMN_ID_OFFSET),
    nodeIdLength: column(COLUMN_ID_LENGTH),
    ipOffset: column(COLUMN_IP_OFFSET),
    ipLength: column(COLUMN_IP_LENGTH),
  };
}
