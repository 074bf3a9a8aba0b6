import { expect, test } from "bun:test";
import fc from "fast-check";
import { familyOf } from "../../src/client/ip.ts";
import { tryIpFromText } from "../../src/codec/index.ts";

const PARTS = ["1", "a", "::", ":", "0", "ff", "1.2.3.4", ".", "f0f0", "255", "256", "01", "[", "/", "g"];

test("the family of an address is that of the codec's bytes, for any text", () => {
  const texts = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(fc.constantFrom(...PARTS), { maxLength: 12 }).map((parts) => parts.join("")),
  );
  const families = new Map([
    [4, "IPv4"],
    [16, "IPv6"],
  ]);
  fc.assert(
    fc.property(texts, (text) => {
      expect(familyOf(text)).toBe(families.get(tryIpFromText(text)?.length ?? 0) as never);
    }),
    { seed: 4, numRuns: 20_000 },
  );
});

test("an IPv6 address may have a zone", () => {
  expect(familyOf("fe80::1%eth0")).toBe("IPv6");
  for (const text of ["fe80::1%", "fe80::1%a%b", "10.0.0.1%eth0", "%eth0"]) expect(familyOf(text)).toBeUndefined();
});
