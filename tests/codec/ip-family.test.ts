import { expect, test } from "bun:test";
import { isIP } from "node:net";
import fc from "fast-check";
import { ipFamily } from "../../src/codec/ip-family.ts";

const PARTS = [
  "1",
  "a",
  "::",
  ":",
  "0",
  "ff",
  "1.2.3.4",
  ".",
  "f0f0",
  "255",
  "256",
  "01",
  "[",
  "/",
  "g",
  "%",
  "-",
  "_",
];

test("the family of an address is that of the runtime's isIP, for any text", () => {
  const zone = fc.constantFrom("", "", "%eth0", "%1", "%", "%a%b", "%a_b", "%a-b.c:d", "%é", "%a\n");
  const texts = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(fc.constantFrom(...PARTS), { maxLength: 12 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(texts, zone, (text, zone) => {
      const family = isIP(text + zone);
      expect(ipFamily(text + zone)).toBe(family === 0 ? undefined : (family as 4 | 6));
    }),
    { seed: 4, numRuns: 20_000 },
  );
});
