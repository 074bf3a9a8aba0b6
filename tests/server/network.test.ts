import { expect, test } from "bun:test";
import { formatNetwork, type Network, parseNetwork } from "../../src/server/index.ts";

test.each([
  ["192.0.2.0/24", "192.0.2.0/24"],
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["192.0.2.1", "192.0.2.1/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["255.255.255.255/31", "255.255.255.254/31"],
  ["2001:db8::/32", "2001:db8::/32"],
  ["2001:DB8:ffff::1/47", "2001:db8:fffe::/47"],
  ["::1", "::1/128"],
  ["::/0", "::/0"],
  ["::ffff:192.0.2.1/120", "192.0.2.0/24"],
  ["::ffff:192.0.2.1/90", "::ffc0:0:0/90"],
])("parseNetwork reads %s, and formatNetwork writes it as %s", (text, written) => {
  const network = parseNetwork(text);
  expect(network.address).toHaveLength(16);
  expect(formatNetwork(network)).toBe(written);
  expect(formatNetwork(parseNetwork(written))).toBe(written);
});

test("a parsed IPv4 network is one of ::ffff:0:0/96", () => {
  expect(parseNetwork("192.0.2.7/24")).toEqual({
    address: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7),
    prefix: 120,
  });
});

test.each([
  "",
  "10/8",
  "010.0.0.0/8",
  "10.0.0/8",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/ 8",
  "10.0.0.0/8/8",
  "10.0.0.0/-1",
  "10.0.0.0/1e1",
  " 10.0.0.0/8",
  "example.org",
  "2001:db8::/129",
  "2001:db8::/x",
  "[::1]",
  "fe80::1%eth0",
  "12345::",
])("parseNetwork refuses %p with a RangeError that quotes it", (text) => {
  expect(() => parseNetwork(text)).toThrow(RangeError);
  expect(() => parseNetwork(text)).toThrow(
    `"${text}" is no network: write 192.0.2.0/24, 2001:db8::/32 or a single address`,
  );
});

test("parseNetwork takes strings only, and formatNetwork networks only", () => {
  for (const value of [undefined, null, 8, new Uint8Array(16)]) {
    expect(() => parseNetwork(value as unknown as string)).toThrow(TypeError);
  }
  const address = new Uint8Array(16);
  for (const network of [{ address: "10.0.0.0", prefix: 8 }, { address: new Uint8Array(4), prefix: 8 }, { address }]) {
    expect(() => formatNetwork(network as unknown as Network)).toThrow(TypeError);
  }
  for (const prefix of [-1, 129, 1.5, Number.NaN]) expect(() => formatNetwork({ address, prefix })).toThrow(RangeError);
});
