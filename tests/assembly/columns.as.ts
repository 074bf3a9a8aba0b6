import { decodeColumns, encodeColumns } from "../../assembly/columns";
import {
  COLUMN_ID_LENGTH,
  COLUMN_ID_OFFSET,
  COLUMN_IP_LENGTH,
  COLUMN_IP_OFFSET,
  COLUMN_LENGTH,
  COLUMN_OFFSET,
  COLUMN_PORT,
  COLUMN_STATUS,
  REFUSED,
  STATUS_ANNOUNCEMENT,
  STATUS_BAD_ID_LENGTH,
  STATUS_BAD_IP_LENGTH,
  STATUS_BAD_MAGIC,
  STATUS_BAD_RESERVED,
  STATUS_QUERY,
  STATUS_SHORT,
  STATUS_TRAILING,
} from "../../assembly/layout";
import { hexOf, put } from "./support/bytes";
import { checksum, FILLER, SCRATCH } from "./support/memory";

/** The room is at SCRATCH. */
const ROOM: u32 = 2048;
const COLUMNS_AT: usize = SCRATCH + 0x4000;
const ROWS: u32 = 8;

function cell(column: u32, row: u32): usize {
  return COLUMNS_AT + ((ROWS * column + row) << 2);
}

function field(column: u32, row: u32): u32 {
  return load<u32>(cell(column, row));
}

function set(column: u32, row: u32, value: u32): void {
  store<u32>(cell(column, row), value);
}

/** Writes datagrams to the room, one after the other, and their places to the columns. Returns their size. */
function receive(datagrams: string[]): u32 {
  memory.fill(COLUMNS_AT, FILLER, 32 * ROWS + 64);
  memory.fill(SCRATCH, FILLER, ROOM + 64);
  let at: u32 = 0;
  for (let i = 0; i < datagrams.length; i++) {
    const size = put(SCRATCH + at, datagrams[i]);
    set(COLUMN_OFFSET, i, at);
    set(COLUMN_LENGTH, i, size);
    at += size;
  }
  return at;
}

function decodeAll(count: u32): u32 {
  return decodeColumns(SCRATCH, ROOM, COLUMNS_AT, ROWS, count);
}

function encodeAll(count: u32, from: u32): u32 {
  return encodeColumns(SCRATCH, ROOM, COLUMNS_AT, ROWS, count, from);
}

/** A row's columns from that of the status on. */
function row(i: u32): u32[] {
  const fields: u32[] = [];
  for (let column: u32 = COLUMN_STATUS; column <= <u32>COLUMN_IP_LENGTH; column++) fields.push(field(column, i));
  return fields;
}

const QUERY = "19760309 00000003 61626300";
const ANNOUNCEMENT = "20121025 56080000 00000005 61626364 65000000 00000004 7f000001";
const NO_IP = "20121025 ffff0000 00000000 00000000";

describe("decodeColumns", () => {
  test("writes the fields of packets, with offsets from the start of the room", () => {
    receive([QUERY, ANNOUNCEMENT, NO_IP]);
    expect<u32>(decodeAll(3)).toBe(3);
    expect<u32[]>(row(0)).toStrictEqual([STATUS_QUERY, 0, 8, 3, 0, 0]);
    expect<u32[]>(row(1)).toStrictEqual([STATUS_ANNOUNCEMENT, 0x5608, 24, 5, 36, 4]);
    expect<u32[]>(row(2)).toStrictEqual([STATUS_ANNOUNCEMENT, 65535, 52, 0, 56, 0]);
  });

  test("writes the reason why a datagram is no packet, and 0 to the other columns", () => {
    const datagrams = [
      "201210",
      "00000000",
      "20121025 56080001 00000000 00000000",
      "19760309 fffffffc 61626364",
      "20121025 56080000 00000000 00000005",
      "19760309 00000000 00",
      "20121025 56080000 fffffffe 00000000",
      "19760309",
    ];
    const statuses: u32[] = [
      STATUS_SHORT,
      STATUS_BAD_MAGIC,
      STATUS_BAD_RESERVED,
      STATUS_BAD_ID_LENGTH,
      STATUS_BAD_IP_LENGTH,
      STATUS_TRAILING,
      STATUS_BAD_ID_LENGTH,
      STATUS_SHORT,
    ];
    receive(datagrams);
    expect<u32>(decodeAll(8)).toBe(0);
    for (let i = 0; i < 8; i++) expect<u32[]>(row(i)).toStrictEqual([statuses[i], 0, 0, 0, 0, 0]);
  });

  test("changes neither the room nor rows from count on", () => {
    receive([QUERY, QUERY]);
    const before = checksum(SCRATCH, SCRATCH + ROOM);
    expect<u32>(decodeAll(1)).toBe(1);
    expect<u64>(checksum(SCRATCH, SCRATCH + ROOM)).toBe(before);
    for (let column: u32 = COLUMN_STATUS; column <= <u32>COLUMN_IP_LENGTH; column++) {
      expect<u32>(field(column, 1)).toBe(0xffffffff);
    }
    expect<u32>(load<u32>(COLUMNS_AT + 32 * ROWS)).toBe(0xffffffff);
    expect<u32>(decodeAll(0)).toBe(0);
  });

  test("stops at a datagram that is not inside of the room", () => {
    const wrong: u32[] = [ROOM - 11, 12, ROOM + 1, 0, 0xfffffff8, 12, 0, ROOM + 1, 12, 0xfffffff8];
    for (let i = 0; i < wrong.length; i += 2) {
      receive([QUERY, QUERY, QUERY]);
      set(COLUMN_OFFSET, 1, wrong[i]);
      set(COLUMN_LENGTH, 1, wrong[i + 1]);
      expect<u32>(decodeAll(3)).toBe(REFUSED);
      expect<u32>(field(COLUMN_STATUS, 0)).toBe(STATUS_QUERY);
      expect<u32>(field(COLUMN_STATUS, 1)).toBe(0xffffffff);
    }
  });
});

describe("encodeColumns", () => {
  test("writes datagrams after the last NodeID and IP, and their places", () => {
    const size = receive([QUERY, "00", ANNOUNCEMENT]);
    decodeAll(3);
    expect<u32>(encodeAll(3, 0)).toBe(2);
    // The announcement ends with its IP.
    expect<u32>(field(COLUMN_OFFSET, 0)).toBe(size);
    expect<u32>(field(COLUMN_LENGTH, 0)).toBe(12);
    expect<u32>(field(COLUMN_OFFSET, 1)).toBe(size + 12);
    expect<u32>(field(COLUMN_LENGTH, 1)).toBe(0);
    expect<u32>(field(COLUMN_OFFSET, 2)).toBe(size + 12);
    expect<u32>(field(COLUMN_LENGTH, 2)).toBe(28);
    expect<string>(hexOf(SCRATCH + size, 44)).toBe(`${QUERY} ${ANNOUNCEMENT} ffffffff`);
    expect<u32>(decodeAll(3)).toBe(2);
  });

  test("starts at from if that is later", () => {
    receive([QUERY]);
    decodeAll(1);
    encodeAll(1, 101);
    expect<u32>(field(COLUMN_OFFSET, 0)).toBe(101);
    expect<string>(hexOf(SCRATCH + 101, 12)).toBe(QUERY);
  });

  test("refuses wrong fields and what does not fit, and writes nothing", () => {
    const columns: u32[] = [
      COLUMN_PORT,
      COLUMN_IP_LENGTH,
      COLUMN_IP_OFFSET,
      COLUMN_ID_OFFSET,
      COLUMN_ID_LENGTH,
      COLUMN_ID_LENGTH,
    ];
    const values: u32[] = [0x10000, 3, ROOM - 3, ROOM - 4, 0xffffffff, ROOM - 100];
    for (let i = 0; i < columns.length; i++) {
      receive([QUERY, ANNOUNCEMENT]);
      decodeAll(2);
      set(columns[i], 1, values[i]);
      const before = checksum(SCRATCH, COLUMNS_AT + 32 * ROWS);
      expect<u32>(encodeAll(2, 0)).toBe(REFUSED);
      expect<u32>(encodeAll(2, ROOM - 39)).toBe(REFUSED);
      expect<u64>(checksum(SCRATCH, COLUMNS_AT + 32 * ROWS)).toBe(before);
    }
  });

  test("fills the room to its end", () => {
    receive([QUERY, ANNOUNCEMENT]);
    decodeAll(2);
    expect<u32>(encodeAll(2, ROOM - 39)).toBe(REFUSED);
    expect<u32>(encodeAll(2, ROOM - 40)).toBe(2);
    expect<u32>(load<u32>(SCRATCH + ROOM)).toBe(0xffffffff);
  });

  test("takes any offset for a NodeID or an IP of no bytes, and ignores the IP of a query", () => {
    receive([NO_IP, QUERY]);
    decodeAll(2);
    set(COLUMN_ID_OFFSET, 0, 0xfffffff0);
    set(COLUMN_IP_OFFSET, 0, 0xfffffff0);
    set(COLUMN_IP_OFFSET, 1, 0xfffffff0);
    set(COLUMN_IP_LENGTH, 1, 99);
    set(COLUMN_PORT, 1, 0xfffffff0);
    expect<u32>(encodeAll(2, 0)).toBe(2);
    expect<u32>(field(COLUMN_OFFSET, 0)).toBe(27);
    expect<string>(hexOf(SCRATCH + 27, 28)).toBe(`${NO_IP} ${QUERY}`);
  });
});
