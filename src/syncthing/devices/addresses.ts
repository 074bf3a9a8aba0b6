/** Lists of addresses: which one is later, and their bytes in the memory. */
import type { DeviceAddress } from "../../journal/device.ts";
import { ADDRESS_LENGTH, ADDRESS_TEXT, ADDRESS_TIME } from "./layout.ts";

/** Whether the latest address of `given` is more than `ms` later than all of `before`. */
export function isLater(given: readonly DeviceAddress[], before: readonly DeviceAddress[], ms: number): boolean {
  return latest(given) - latest(before) > ms;
}

function latest(addresses: readonly DeviceAddress[]): number {
  return addresses.reduce((time, { announcedAt }) => Math.max(time, announcedAt), Number.NEGATIVE_INFINITY);
}

/** Writes addresses as layout.ts says. Returns their length. */
export function encodeAddresses(addresses: readonly DeviceAddress[], to: Buffer): number {
  let at = 0;
  for (const { address, announcedAt } of addresses) {
    to.writeDoubleLE(announcedAt, at + ADDRESS_TIME);
    to.writeUInt16LE(address.length, at + ADDRESS_LENGTH);
    at += ADDRESS_TEXT + to.write(address, at + ADDRESS_TEXT, "latin1");
  }
  return at;
}
