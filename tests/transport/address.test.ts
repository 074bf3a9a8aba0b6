import { expect, test } from "bun:test";
import ipaddr from "ipaddr.js";
import { writeAddress } from "../../src/transport/address.ts";
import { Random } from "../support/random.ts";

function written(text: string): number[] {
  const bytes = new Uint8Array(20).fill(0xaa);
  writeAddress(text, bytes, 2);
  expect([bytes[0], bytes[1], bytes[18], bytes[19]]).toEqual([0xaa, 0xaa, 0xaa, 0xaa]);
  return [...bytes.subarray(2, 18)];
}

function parsed(text: string): number[] {
  const address = ipaddr.parse(text);
  return address.kind() === "ipv4"
    ? (address as ipaddr.IPv4).toIPv4MappedAddress().toByteArray()
    : address.toByteArray();
}

test("writeAddress reads printed addresses as ipaddr.js does", () => {
  const random = new Random(1);
  for (const text of [
    "::",
    "::1",
    "1::",
    "fe80::1",
    "::ffff:192.0.2.1",
    "0.0.0.0",
    "255.255.255.255",
    "1:2:3:4:5:6:7:8",
  ]) {
    expect(written(text), text).toEqual(parsed(text));
  }
  for (let i = 0; i < 3000; i++) {
    const bytes = [...random.bytes(random.once(3) ? 4 : 16)];
    // Zero groups, because those are abbreviated.
    if (bytes.length === 16)
      for (let word = 0; word < 8; word++) if (random.once(2)) bytes.fill(0, word * 2, word * 2 + 2);
    const address = ipaddr.fromByteArray(bytes);
    for (const text of [address.toString(), address.toNormalizedString()])
      expect(written(text), text).toEqual(parsed(text));
  }
});

test("writeAddress ignores the scope of a link-local address", () => {
  expect(written("fe80::1%eth0")).toEqual(parsed("fe80::1"));
  expect(written("fe80::ab:1%12")).toEqual(parsed("fe80::ab:1"));
});
