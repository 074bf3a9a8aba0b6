import { expect, test } from "bun:test";
import fc from "fast-check";
import { MAX_DEVICE_ADDRESS_LENGTH, MAX_DEVICE_ADDRESSES, MAX_DEVICE_BYTES } from "../../../src/journal/device.ts";
import { firstTcpEndpoint, usableAddresses } from "../../../src/syncthing/addresses.ts";
import { source } from "./source.ts";

const IPV4 = source("203.0.113.9", 4711);
const IPV6 = source("2001:db8::5", 4711);
const LOOPBACK = source("127.0.0.1", 4711);

test.each([
  ["tcp://192.0.2.7:22000", "tcp://192.0.2.7:22000"],
  ["TCP://192.0.2.7:22000", "tcp://192.0.2.7:22000"],
  ["tcp://device.example:22000", "tcp://device.example:22000"],
  ["tcp://192.0.2.7:", "tcp://192.0.2.7:"],
  ["quic://[2001:db8::1]:22000", "quic://[2001:db8::1]:22000"],
  ["relay://198.51.100.1:22067/?id=ABC&token=x", "relay://198.51.100.1:22067/?id=ABC&token=x"],
  ["tcp://user:secret@192.0.2.7:1/path?query#hash", "tcp://user:secret@192.0.2.7:1/path?query#hash"],
  ["future+scheme://host:1", "future+scheme://host:1"],
  ["tcp://169.254.1.1:1", "tcp://169.254.1.1:1"],
  ["tcp://[fe80::1]:1", "tcp://[fe80::1]:1"],
  ["tcp://0.0.0.0:22000", "tcp://203.0.113.9:22000"],
  ["tcp://[::]:22000", "tcp://203.0.113.9:22000"],
  ["tcp://[::ffff:0.0.0.0]:22000", "tcp://203.0.113.9:22000"],
  ["tcp://:22000", "tcp://203.0.113.9:22000"],
  ["tcp4://:22000", "tcp4://203.0.113.9:22000"],
  ["tcp://192.0.2.7:0", "tcp://192.0.2.7:4711"],
  ["quic4://0.0.0.0:0", "quic4://203.0.113.9:4711"],
  ["tcp://192.0.2.7:65535", "tcp://192.0.2.7:65535"],
])("the address %s of a device at 203.0.113.9:4711 becomes %s", (announced, usable) => {
  expect(usableAddresses([announced], IPV4)).toEqual([usable]);
});

test.each([
  ["tcp://0.0.0.0:22000", "tcp://[2001:db8::5]:22000"],
  ["quic6://[::]:0", "quic6://[2001:db8::5]:4711"],
])("the address %s of a device at [2001:db8::5]:4711 becomes %s", (announced, usable) => {
  expect(usableAddresses([announced], IPV6)).toEqual([usable]);
});

test.each([
  "",
  "dynamic",
  "192.0.2.7:22000",
  "tcp:192.0.2.7:22000",
  "tcp://192.0.2.7",
  "tcp://192.0.2.7/",
  "tcp://192.0.2.7:65536",
  "tcp://192.0.2.7:-1",
  "tcp://192.0.2.7:1x",
  " tcp://192.0.2.7:22000",
  "tcp://192.0.2.7:22000\n",
  "tcp://192.0.2.7:22000/a b",
  "tcp://192.0.2.7:22000/\u0000",
  "tcp://192.0.2.7:22000/é",
  "tcp://dévice.example:22000",
  "tcp://2001:db8::1:22000",
  "tcp://[2001:db8::1:22000",
  "tcp://[2001:db8::1::2]:22000",
  "tcp://[fe80::1%25eth0]:22000",
  "tcp://[192.0.2.7]:22000",
  "unix:///tmp/socket",
  "tcp://127.0.0.1:22000",
  "tcp://127.1.2.3:22000",
  "tcp://[::1]:22000",
  "tcp://[::ffff:127.0.0.1]:22000",
  "tcp://224.0.0.1:22000",
  "quic://[ff02::1]:22000",
  "tcp6://0.0.0.0:22000",
  "tcp6://192.0.2.7:22000",
  "tcp4://[2001:db8::1]:22000",
  "quic6://[::ffff:192.0.2.7]:22000",
])("nobody can use the address %j of a device at 203.0.113.9, so it is left out", (announced) => {
  expect(usableAddresses([announced, "tcp://192.0.2.8:1"], IPV4)).toEqual(["tcp://192.0.2.8:1"]);
});

test("an unspecified address of a device on the server's own host, or of an unknown source, is left out", () => {
  const announced = ["tcp://0.0.0.0:22000", "tcp://192.0.2.7:22000"];
  for (const from of [LOOPBACK, source("::1", 1), source("::", 1), source("0.0.0.0", 1)]) {
    expect(usableAddresses(announced, from)).toEqual(["tcp://192.0.2.7:22000"]);
  }
});

test("port 0 stays if the source's port is not known", () => {
  expect(usableAddresses(["tcp://0.0.0.0:0"], source("203.0.113.9", 0))).toEqual(["tcp://203.0.113.9:0"]);
});

test("doubles are left out, also those that only become doubles", () => {
  const announced = ["tcp://0.0.0.0:1", "quic://:1", "tcp://203.0.113.9:1", "tcp://[::]:1", "quic://:1"];
  expect(usableAddresses(announced, IPV4)).toEqual(["tcp://203.0.113.9:1", "quic://203.0.113.9:1"]);
});

test("the first addresses are kept, as many as a device may have", () => {
  const announced = Array.from({ length: 1_000 }, (_, i) => `tcp://192.0.2.7:${i + 1}`);
  expect(usableAddresses(announced, IPV4)).toEqual(announced.slice(0, MAX_DEVICE_ADDRESSES));
});

test("only the first 256 addresses are looked at, so that an announcement of ten thousand doubles takes little time", () => {
  const doubles = new Array<string>(255).fill("tcp://192.0.2.7:1");
  expect(usableAddresses([...doubles, "tcp://192.0.2.7:2", "tcp://192.0.2.7:3"], IPV4)).toEqual([
    "tcp://192.0.2.7:1",
    "tcp://192.0.2.7:2",
  ]);
});

test("an address that is too long is left out", () => {
  const start = "relay://192.0.2.7:22067/?id=";
  const longest = start + "A".repeat(MAX_DEVICE_ADDRESS_LENGTH - start.length);
  expect(usableAddresses([`${longest}A`, longest, "B".repeat(1_000_000)], IPV4)).toEqual([longest]);
});

test("addresses that would exceed the bytes of a device are left out, and shorter ones after them are kept", () => {
  const long = (character: string) => `tcp://192.0.2.7:1/${character.repeat(1_000)}`;
  const announced = [..."abcde"].map(long);
  const usable = usableAddresses([...announced, "tcp://192.0.2.7:2"], IPV4);
  expect(usable).toEqual([...announced.slice(0, 4), "tcp://192.0.2.7:2"]);
  expect(usable.join("").length).toBeLessThanOrEqual(MAX_DEVICE_BYTES);
});

test("whatever is announced, what is usable is printable ASCII, short and without doubles, and stays as it is", () => {
  const part = fc.constantFrom(..."tcp:/@[]0.1?#% é\n4", "://", "[::]:", "0.0.0.0:", "quic6://", "127.0.0.1:");
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(part).map((parts) => `tcp4://${parts.join("")}`),
  );
  fc.assert(
    fc.property(fc.array(text), (announced) => {
      const usable = usableAddresses(announced, IPV4);
      for (const address of usable) expect(address).toMatch(/^[!-~]{1,1024}$/);
      expect(usableAddresses(usable, IPV4)).toEqual(usable);
      expect(new Set(usable).size).toBe(usable.length);
    }),
    { numRuns: 300 },
  );
});

test.each([
  [["quic://192.0.2.1:1", "relay://192.0.2.2:2", "tcp://192.0.2.3:3", "tcp://192.0.2.4:4"], "192.0.2.3", 3],
  [["tcp://device.example:1", "tcp6://[2001:db8::1]:2"], "2001:db8::1", 2],
  [["tcp://169.254.1.1:1", "tcp://[fe80::1]:1", "tcp4://192.0.2.3:3/path"], "192.0.2.3", 3],
  [
    ["tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://192.0.2.3:0", "tcp://192.0.2.3:", "tcp://[::ffff:192.0.2.4]:4"],
    "192.0.2.4",
    4,
  ],
])("the first TCP address with an IP of %j is %s, port %d", (addresses, host, port) => {
  expect(firstTcpEndpoint(addresses)).toEqual(source(host, port));
});

test.each([[[]], [["quic://192.0.2.1:1"]], [["tcp://device.example:1", "tcp://0.0.0.0:1", "nonsense"]]])(
  "there is no TCP address with an IP in %j",
  (addresses: string[]) => {
    expect(firstTcpEndpoint(addresses)).toBeUndefined();
  },
);
