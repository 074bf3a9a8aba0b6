import { expect, test } from "bun:test";
import { dialableAddresses, isDialable } from "../../../src/syncthing/local/addresses.ts";

const IPV4 = "192.0.2.7";
const IPV6 = "fe80::1%eth0";

test.each([
  ["tcp://0.0.0.0:22000", IPV4, "tcp://192.0.2.7:22000"],
  ["tcp://:22000", IPV4, "tcp://192.0.2.7:22000"],
  ["quic://[::]:22000", IPV4, "quic://192.0.2.7:22000"],
  // The same address of an own network, in the form in which Syncthing 1.19.2 dials it.
  ["tcp://0.0.0.0:22000", IPV6, "tcp://[fe80::1%25eth0]:22000"],
  ["tcp6://:22000", IPV6, "tcp6://[fe80::1%25eth0]:22000"],
  ["tcp://[fe80::2]:22000", IPV6, "tcp://[fe80::2%25eth0]:22000"],
  ["tcp://:22000", "fe80::1%wlan 0", "tcp://[fe80::1%25wlan%200]:22000"],
  ["tcp://0.0.0.0:22000", "2001:db8::7", "tcp://[2001:db8::7]:22000"],
  ["tcp://198.51.100.1:22000", IPV4, "tcp://198.51.100.1:22000"],
  ["tcp://nas.example:22000", IPV6, "tcp://nas.example:22000"],
  ["relay://192.0.2.9:443/?id=ABC", IPV6, "relay://192.0.2.9:443/?id=ABC"],
])("%s from %s is dialled as %s", (announced, source, dialled) => {
  expect(dialableAddresses([announced], source)).toEqual([dialled]);
});

test.each([
  ["tcp://0.0.0.0:0", IPV4],
  ["tcp://192.0.2.9:0", IPV4],
  ["tcp://192.0.2.9:", IPV4],
  ["tcp://192.0.2.9:00000/", IPV4],
  ["tcp://192.0.2.9", IPV4],
  ["tcp://127.0.0.1:22000", IPV4],
  ["tcp://[::1]:22000", IPV6],
  ["tcp://224.0.0.1:22000", IPV4],
  ["tcp4://0.0.0.0:22000", IPV6],
  ["tcp6://0.0.0.0:22000", IPV4],
  // It is in another network than the source, so its zone is not known.
  ["tcp://[fe80::2]:22000", IPV4],
  ["tcp://192.0.2.9:65536", IPV4],
  ["192.0.2.9:22000", IPV4],
  ["tcp://192.0.2.9:22000\n", IPV4],
  ["tcp://192.0.2.9:22000/\u00e4", IPV4],
  ["", IPV4],
  ["tcp://0.0.0.0:22000", "nowhere"],
])("%s from %s cannot be dialled", (announced, source) => {
  expect(dialableAddresses([announced], source)).toEqual([]);
});

test("the order is kept, doubles are left out, and there are at most 32 addresses", () => {
  const many = Array.from({ length: 40 }, (_, i) => `tcp://192.0.2.9:${22_000 + i}`);
  expect(dialableAddresses([...many, ...many], IPV4)).toEqual(many.slice(0, 32));
  expect(dialableAddresses(["tcp://:1", `tcp://0.0.0.0:1`, "tcp://[::]:1"], IPV4)).toEqual(["tcp://192.0.2.7:1"]);
});

test.each([
  ["tcp://:22000", true],
  ["tcp4://0.0.0.0:22000", true],
  ["tcp6://:22000", true],
  ["quic://nas.example:22000", true],
  ["tcp://127.0.0.1:22000", false],
  ["tcp://:0", false],
  ["22000", false],
])("%s: others can dial it: %p", (address, dialable) => {
  expect(isDialable(address)).toBe(dialable);
});
