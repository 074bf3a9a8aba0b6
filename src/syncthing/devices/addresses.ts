/** Lists of addresses: their union, and their bytes in the memory. */
import { type DeviceAddress, MAX_DEVICE_ADDRESSES, MAX_DEVICE_BYTES } from "../../journal/device.ts";
import { ADDRESS_LENGTH, ADDRESS_TEXT, ADDRESS_TIME } from "./layout.ts";

/**
 * The addresses of both lists, each with the later of its times: the latest first, and those of one time in the order of
 * their list. Those announced longest ago are left out if there are too many.
 */
export function unionOf(before: readonly DeviceAddress[], given: readonly DeviceAddress[]): DeviceAddress[] {
  const times = new Map<string, number>();
  // Those that are given come first, so that of one time they stay first.
  for (const { address, announcedAt } of [...given, ...before]) {
    times.set(address, Math.max(announcedAt, times.get(address) ?? announcedAt));
  }
  const all = [...times].map(([address, announcedAt]) => ({ address, announcedAt }));
  all.sort((one, other) => other.announcedAt - one.announcedAt);
  let bytes = 0;
  let count = 0;
  for (const { address } of all) {
    bytes += address.length;
    if (count === MAX_DEVICE_ADDRESSES || bytes > MAX_DEVICE_BYTES) break;
    count++;
  }
  return all.slice(0, count);
}

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
