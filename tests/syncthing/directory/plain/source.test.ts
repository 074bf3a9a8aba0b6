import { expect, test } from "bun:test";
import { parseNetwork } from "../../../../src/server/index.ts";
import { forwardedSource, isIn } from "../../../../src/syncthing/directory/plain/source.ts";
import { source } from "../source.ts";

const TRUSTED = ["127.0.0.0/8", "10.1.0.0/17", "2001:db8:a::/47"].map(parseNetwork);

test.each([
  ["203.0.113.9", "203.0.113.9"],
  ["2001:db8::5", "2001:db8::5"],
  ["  203.0.113.9  ", "203.0.113.9"],
  ["::ffff:203.0.113.9", "203.0.113.9"],
  // What the client itself sent stands before what the proxy adds.
  ["198.51.100.1, 203.0.113.9", "203.0.113.9"],
  ["garbage, 203.0.113.9", "203.0.113.9"],
  // Further trusted proxies.
  ["203.0.113.9, 10.1.2.3", "203.0.113.9"],
  ["198.51.100.1, 203.0.113.9,10.1.2.3 , 127.0.0.1, 2001:db8:b::1", "203.0.113.9"],
  ["10.1.2.3, 127.0.0.1", "10.1.2.3"],
  ["garbage, 10.1.2.3", "10.1.2.3"],
  ["203.0.113.9, garbage", "::"],
  ["203.0.113.9, ", "::"],
  ["203.0.113.9:4711", "::"],
  ["unknown", "::"],
  ["", "::"],
])("with X-Forwarded-For: %s the client is %s", (header, address) => {
  expect(forwardedSource(new Headers({ "X-Forwarded-For": header }), TRUSTED)).toEqual(source(address, 0));
});

test("without X-Forwarded-For the client is unknown", () => {
  expect(forwardedSource(new Headers({ "X-Client-Port": "1" }), TRUSTED)).toEqual(source("::", 0));
});

test.each([
  ["4711", 4711],
  ["65535", 65_535],
  ["65536", 0],
  ["0", 0],
  ["-1", 0],
  ["1.5", 0],
  ["x", 0],
  ["", 0],
])("with X-Client-Port: %s its port is %d", (header, port) => {
  const headers = new Headers({ "X-Forwarded-For": "203.0.113.9", "X-Client-Port": header });
  expect(forwardedSource(headers, TRUSTED)).toEqual(source("203.0.113.9", port));
});

test.each([
  ["127.0.0.1", true],
  ["127.255.255.255", true],
  ["128.0.0.1", false],
  ["10.1.127.255", true],
  ["10.1.128.0", false],
  ["2001:db8:b:ffff::", true],
  ["2001:db8:c::", false],
  ["::1", false],
])("%s is in a trusted network: %p", (address, trusted) => {
  expect(isIn(TRUSTED, source(address, 0).address)).toBe(trusted);
});

test("every address is in a network of prefix length 0, and none in no network", () => {
  expect(isIn([parseNetwork("::/0")], source("203.0.113.9", 0).address)).toBe(true);
  expect(isIn([], source("203.0.113.9", 0).address)).toBe(false);
});
