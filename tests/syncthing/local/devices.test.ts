import { expect, test } from "bun:test";
import { Devices } from "../../../src/syncthing/local/devices.ts";

const ID = new Uint8Array(32).fill(9);
const [IPV4, IPV6] = ["192.0.2.7", "fe80::7%eth0"];

function devicesOf() {
  const devices = new Devices();
  const heard = (source: string, addresses: readonly string[], instance = 1n, seenAt = 1e12) => {
    const { event, restarted } = devices.heard("key", ID, source, { addresses, instance }, seenAt);
    return [event?.type, event?.addresses.join(" "), restarted];
  };
  return { devices, heard };
}

test("a device has the addresses of all its sources, those of the newest source first, without doubles", () => {
  const { devices, heard } = devicesOf();
  expect(heard(IPV4, ["tcp://a:1", "tcp://b:1"])).toEqual(["device", "tcp://a:1 tcp://b:1", true]);
  expect(heard(IPV6, ["tcp://c:1", "tcp://b:1"])).toEqual(["moved", "tcp://c:1 tcp://b:1 tcp://a:1", true]);
  // A source that is heard again keeps its place.
  expect(heard(IPV4, ["tcp://a:1", "tcp://b:1"])).toEqual([undefined, undefined, false]);
  expect(devices.get("key")?.addresses).toEqual(["tcp://c:1", "tcp://b:1", "tcp://a:1"]);
  expect(devices.forget("key", IPV6)?.type).toBe("moved");
  expect(devices.get("key")?.addresses).toEqual(["tcp://a:1", "tcp://b:1"]);
  expect(devices.forget("key", IPV4)).toMatchObject({ type: "gone", addresses: ["tcp://a:1", "tcp://b:1"] });
  expect(devices.all()).toEqual([]);
});

test("a device that was restarted may not know this one, and has not moved by that", () => {
  const { heard } = devicesOf();
  heard(IPV4, ["tcp://a:1"]);
  expect(heard(IPV4, ["tcp://a:1"], 2n)).toEqual([undefined, undefined, true]);
  expect(heard(IPV4, ["tcp://a:1"], 2n)).toEqual([undefined, undefined, false]);
});

test("a device with an instance number for each family is not restarted all the time", () => {
  const { heard } = devicesOf();
  heard(IPV4, ["tcp://a:1"], 4n);
  heard(IPV6, ["tcp://a:1"], 6n);
  for (let i = 0; i < 3; i++) {
    expect(heard(IPV4, ["tcp://a:1"], 4n)).toEqual([undefined, undefined, false]);
    expect(heard(IPV6, ["tcp://a:1"], 6n)).toEqual([undefined, undefined, false]);
  }
});

test("a device that announces other addresses has moved", () => {
  const { heard } = devicesOf();
  heard(IPV4, ["tcp://a:1"]);
  expect(heard(IPV4, ["tcp://a:2"])).toEqual(["moved", "tcp://a:2", false]);
  expect(heard(IPV4, [])).toEqual(["moved", "", false]);
});

test("a device has at most eight sources", () => {
  const { devices, heard } = devicesOf();
  for (let i = 0; i < 8; i++) {
    expect(devices.hasRoom("key", `192.0.2.${i}`)).toBe(true);
    heard(`192.0.2.${i}`, [`tcp://a:${i}`]);
  }
  expect(devices.hasRoom("key", "192.0.2.0")).toBe(true);
  expect(devices.hasRoom("key", "192.0.2.8")).toBe(false);
  expect(devices.hasRoom("other", "192.0.2.8")).toBe(true);
});

test("what callers get does not change later", () => {
  const { devices, heard } = devicesOf();
  heard(IPV4, ["tcp://a:1"], 1n, 5);
  const before = devices.get("key");
  heard(IPV4, ["tcp://a:2"], 1n, 6);
  expect(before).toMatchObject({ addresses: ["tcp://a:1"], seenAt: 5 });
  expect(devices.get("key")).toMatchObject({ addresses: ["tcp://a:2"], seenAt: 6 });
});
