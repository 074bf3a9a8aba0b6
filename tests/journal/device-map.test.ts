import { describe, expect, test } from "bun:test";
import { DEVICE_RETENTION_MS } from "../../src/journal/device.ts";
import { DeviceMap, type JournalDevice } from "../../src/journal/index.ts";
import { device } from "../support/devices.ts";

const NOW = 1_760_000_000_000;

function map(): { map: DeviceMap; clock: { time: number; now(): number } } {
  const clock = { time: NOW, now: () => clock.time };
  return { map: new DeviceMap(clock), clock };
}

/** `address @ ms since NOW` of each address. */
function addresses({ addresses }: JournalDevice): string[] {
  return addresses.map(({ address, announcedAt }) => `${address} @ ${announcedAt - NOW}`);
}

describe("a map of devices", () => {
  test("has the union of a device's addresses, each with its latest time, the latest first", () => {
    const { map: devices } = map();
    devices.merge(device(1, NOW - 5, "a", "b"), true);
    devices.merge(device(1, NOW - 9, "a", "c"), true);
    devices.merge(device(1, NOW - 1, "b"), true);
    expect(devices.size).toBe(1);
    expect(devices.all().map(addresses)).toEqual([["b @ -1", "a @ -5", "c @ -9"]]);
  });

  test("leaves out those addresses that were announced longest ago if there are too many", () => {
    const { map: devices } = map();
    for (let i = 0; i < 40; i++) devices.merge(device(1, NOW + i, `${i}`), true);
    expect(devices.all().map(addresses)).toEqual([Array.from({ length: 32 }, (_, i) => `${39 - i} @ ${39 - i}`)]);
    for (const [i, letter] of [..."abcde"].entries()) devices.merge(device(2, NOW + i, letter.repeat(1024)), true);
    expect(
      devices
        .all()[0]!
        .addresses.map(({ address }) => address[0])
        .join(""),
    ).toBe("edcb");
  });

  test("counts a device as confirmed as soon as one announcement is", () => {
    const { map: devices } = map();
    const confirmed = () => devices.all()[0]!.confirmed;
    devices.merge({ ...device(1, NOW), confirmed: false }, true);
    expect(confirmed()).toBe(false);
    devices.merge(device(1, NOW), true);
    devices.merge({ ...device(1, NOW), confirmed: false }, true);
    expect(confirmed()).toBe(true);
  });

  test("drops addresses two hours after their announcement, and devices without any", () => {
    const { map: devices, clock } = map();
    devices.merge(device(1, NOW - DEVICE_RETENTION_MS, "too late"), true);
    expect(devices.size).toBe(0);
    devices.merge(device(1, NOW - 1000, "a"), false);
    devices.merge(device(1, NOW, "b"), false);
    devices.merge(device(2, NOW - 500, "c"), false);
    clock.time = NOW - 500 + DEVICE_RETENTION_MS;
    expect(devices.all().map(addresses)).toEqual([["b @ 0"]]);
    expect(devices.takeChanged(10).map(addresses)).toEqual([["b @ 0"]]);
  });

  test("lists its devices in order of their latest address", () => {
    const { map: devices } = map();
    for (const [id, at] of [
      [1, 7],
      [2, 3],
      [3, 5],
      [2, 9],
    ] as const)
      devices.merge(device(id, NOW + at), true);
    expect(devices.all().map(({ id }) => id[0])).toEqual([3, 1, 2]);
  });

  test("gives the devices that were announced to it once, unless they are put back or all are wanted again", () => {
    const { map: devices } = map();
    const taken = (most: number) => devices.takeChanged(most).map(({ id }) => id[0]);
    for (const id of [1, 2, 3]) devices.merge(device(id, NOW + id), false);
    devices.merge(device(4, NOW), true);
    devices.merge(device(3, NOW + 9, "of another server"), true);
    const first = devices.takeChanged(2);
    expect(first.map(({ id }) => id[0])).toEqual([1, 2]);
    expect(taken(2)).toEqual([3]);
    expect(taken(2)).toEqual([]);
    devices.restoreChanged(first);
    expect(taken(9)).toEqual([1, 2]);
    devices.markAllChanged();
    expect(taken(9)).toEqual([1, 2, 3]);
  });
});
