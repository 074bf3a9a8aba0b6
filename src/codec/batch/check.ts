/** Checks of batches. After an engine refused a batch, they find the row that is wrong. */
import { STATUS_QUERY, STATUS_TRAILING } from "../../../assembly/layout.ts";
import { wrongKind } from "../../xdr/check.ts";
import { checkAttached, isIpLength } from "../check.ts";
import type { Columns } from "./columns.ts";
import { startOf, totalOf } from "./ts.ts";

type Column = Exclude<keyof Columns, "bytes">;

export function checkNumbers(name: string, value: ArrayLike<number>): void {
  if (Array.isArray(value)) return;
  if (!ArrayBuffer.isView(value) || value instanceof DataView) {
    wrongKind(name, value, "an array or typed array of numbers");
  }
  if (value.length === 0) checkAttached(name, value);
}

/** Checks that bytes which two columns of a row describe are in the first `end` bytes of the room. */
function checkPlace(columns: Columns, row: number, at: Column, size: Column, end = columns.bytes.length): void {
  const [offset, length] = [columns[at][row]!, columns[size][row]!];
  if (offset + length <= end) return;
  throw new RangeError(`${at}[${row}]: ${length} bytes from ${offset} on go beyond the ${end} bytes that there are`);
}

/** Checks the place of the datagram of a row, whose status is an error. */
export function checkError(columns: Columns, row: number): void {
  const status = columns.status[row]!;
  if (status > STATUS_TRAILING) throw new RangeError(`status[${row}]: expected a PACKET_STATUS, got ${status}`);
  checkPlace(columns, row, "offsets", "lengths");
}

/** Checks the fields of a row, whose status is that of a packet. */
export function checkFields(columns: Columns, row: number): void {
  if (columns.nodeIdLength[row] !== 0) checkPlace(columns, row, "nodeIdOffset", "nodeIdLength");
  if (columns.status[row] === STATUS_QUERY) return;
  const [port, ipLength] = [columns.port[row]!, columns.ipLength[row]!];
  if (port > 0xffff) throw new RangeError(`port[${row}]: expected 0 to 65535, got ${port}`);
  if (!isIpLength(ipLength)) {
    throw new RangeError(`ipLength[${row}]: expected 4 (IPv4), 16 (IPv6) or 0 for none, got ${ipLength}`);
  }
  if (ipLength !== 0) checkPlace(columns, row, "ipOffset", "ipLength");
}

/** @throws {RangeError} for the first datagram that is not in the first `end` bytes of the room */
export function refuseDatagrams(columns: Columns, count: number, end: number): void {
  for (let row = 0; row < count; row++) checkPlace(columns, row, "offsets", "lengths", end);
}

/** @throws {RangeError} for the first packet that cannot be encoded, or since the datagrams do not fit into the room */
export function refuseFields(columns: Columns, count: number, from: number): never {
  for (let row = 0; row < count; row++) if (columns.status[row]! <= STATUS_QUERY) checkFields(columns, row);
  const start = startOf(columns, count, from);
  const left = columns.bytes.length - start;
  throw new RangeError(
    `the datagrams need ${totalOf(columns, count)} bytes, but after the NodeIDs and IPs, from ${start} on, only ${left} are left`,
  );
}
