// IPs as text and bytes: reads all forms of RFC 4291, writes the form of RFC 5952, and agrees with other libraries.
import { describe, expect, test } from "bun:test";
import { isIP } from "node:net";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { ipFromText, ipToText, tryIpFromText } from "../../src/codec/index.ts";
import { unmappedIpText } from "../../src/codec/ip.ts";
import { hex } from "../support/packets.ts";
import { thrownBy, VIEWS } from "./views.ts";

const SEED = 5952;

/** The groups of a random address, mostly zeros. */
const groups = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constantFrom(1, 0xffff), fc.nat(0xffff)),
  {
    minLength: 8,
    maxLength: 8,
  },
);
const ipv6 = groups.map((list) => Uint8Array.from(list.flatMap((group) => [group >>> 8, group & 0xff])));
const mapped = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((ip) => Uint8Array.of(...MAPPED, ...ip));
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 });

const isMapped = (ip: Uint8Array): boolean => MAPPED.every((byte, i) => ip[i] === byte);

/** An IPv6 address in a random form that RFC 4291 allows. */
const written = fc.tuple(groups, fc.nat(7), fc.nat(7), fc.boolean(), fc.array(fc.nat(3))).map(write);

function write([groups, from, length, embedded, style]: [number[], number, number, boolean, number[]]): string {
  const texts = groups.map((group, i) => {
    const text = group.toString(16).padStart(((style[i % style.length] ?? 0) % 2) * 4, "0");
    return (style[i % style.length] ?? 0) > 1 ? text.toUpperCase() : text;
  });
  if (embedded) {
    const [a, b] = groups.slice(6) as [number, number];
    texts.splice(6, 2, `${a >>> 8}.${a & 0xff}.${b >>> 8}.${b & 0xff}`);
  }
  const to = Math.min(from + length, 8);
  if (to === from || groups.slice(from, to).some((group) => group !== 0) || (embedded && to > 6))
    return texts.join(":");
  return `${texts.slice(0, from).join(":")}::${texts.slice(to).join(":")}`;
}

/** An IP, mostly with a random change, so that many are invalid. */
const almost = fc
  .tuple(
    fc.oneof(
      written,
      ipv4.map((ip) => ip.join(".")),
    ),
    fc.nat(),
    fc.constantFrom(..."0123456789af:.%g /[", "::", ""),
  )
  .map(([text, at, inserted]) => {
    const i = at % (text.length + 1);
    return text.slice(0, i) + inserted + text.slice(i + (at % 3));
  });
const anything = fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEF::::.....%"), maxLength: 50 });

/** Parses an IP with other libraries: node:net decides whether it is an IP, ipaddr.js returns the bytes. */
function parsedByOthers(text: string): string | undefined {
  // Others accept a zone, but a packet has no field for it.
  if (isIP(text) === 0 || text.includes("%")) return undefined;
  // ipaddr.js reads ::a.b.c.d as an IPv4-mapped address, but other forms of the same address correctly.
  const plain = text.replace(/^::(?=[\d.]+$)/, "::0:");
  return hex(Uint8Array.from(ipaddr.parse(plain).toByteArray()));
}

describe("the text of an IP", () => {
  // Every address in the text of RFC 5952, with its canonical form by the rules there.
  test.each([
    ["§1", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["§1", "2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["§1", "2001:db8::1:0:0:1", "2001:db8::1:0:0:1"],
    ["§1", "2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["§1", "2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"],
    ["§1", "2001:db8:0:0:1::1", "2001:db8::1:0:0:1"],
    ["§1", "2001:db8:0000:0:1::1", "2001:db8::1:0:0:1"],
    ["§1", "2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"],
    ["§2.1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
    ["§2.1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
    ["§2.1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:01", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
    ["§2.1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
    ["§2.2", "2001:db8:aaaa:bbbb:cccc:dddd::1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1"],
    ["§2.2", "2001:db8:aaaa:bbbb:cccc:dddd:0:1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1"],
    ["§2.2", "2001:db8:0:0:0::1", "2001:db8::1"],
    ["§2.2", "2001:db8:0:0::1", "2001:db8::1"],
    ["§2.2", "2001:db8:0::1", "2001:db8::1"],
    ["§2.2", "2001:db8::1", "2001:db8::1"],
    ["§2.2", "2001:db8::aaaa:0:0:1", "2001:db8::aaaa:0:0:1"],
    ["§2.2", "2001:db8:0:0:aaaa::1", "2001:db8::aaaa:0:0:1"],
    ["§2.3", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"],
    ["§2.3", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:AAAA", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"],
    ["§2.3", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:AaAa", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"],
    ["§4.1", "2001:0db8::0001", "2001:db8::1"],
    ["§4.2.1", "2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["§4.2.1", "2001:db8::0:1", "2001:db8::1"],
    ["§4.2.2", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["§4.2.2", "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["§4.2.3", "2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["§4.2.3", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["§5", "::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["§5", "0:0:0:0:0:FFFF:C000:0201", "::ffff:192.0.2.1"],
  ])("is canonical by RFC 5952 %s for %s: %s", (_, text, canonical) => {
    expect(ipToText(ipFromText(text))).toBe(canonical);
  });

  // Every address in RFC 4291 §2.2, including those that end in an IPv4 address, and edge cases.
  test.each([
    ["ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcdef0123456789abcdef0123456789"],
    ["2001:DB8:0:0:8:800:200C:417A", "20010db80000000000080800200c417a"],
    ["2001:DB8::8:800:200C:417A", "20010db80000000000080800200c417a"],
    ["FF01:0:0:0:0:0:0:101", "ff010000000000000000000000000101"],
    ["FF01::101", "ff010000000000000000000000000101"],
    ["0:0:0:0:0:0:0:1", "00000000000000000000000000000001"],
    ["::1", "00000000000000000000000000000001"],
    ["0:0:0:0:0:0:0:0", "00000000000000000000000000000000"],
    ["::", "00000000000000000000000000000000"],
    ["0:0:0:0:0:0:13.1.68.3", "0000000000000000000000000d014403"],
    ["::13.1.68.3", "0000000000000000000000000d014403"],
    ["0:0:0:0:0:FFFF:129.144.52.38", "00000000000000000000ffff81903426"],
    ["::FFFF:129.144.52.38", "00000000000000000000ffff81903426"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::2:3:4:5:6:7:8", "00000002000300040005000600070008"],
    ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"],
    ["0000:0000:0000:0000:0000:ffff:255.255.255.255", "00000000000000000000ffffffffffff"],
    ["0.0.0.0", "00000000"],
    ["255.255.255.255", "ffffffff"],
    ["192.0.2.1", "c0000201"],
  ])("%s is parsed to %s", (text, bytes) => {
    expect(hex(ipFromText(text))).toBe(bytes);
    expect(hex(tryIpFromText(text)!)).toBe(bytes);
  });

  test("ends in an IPv4 address only for IPv4-mapped addresses (RFC 5952 §5)", () => {
    expect(ipToText(ipFromText("::192.0.2.1"))).toBe("::c000:201");
    expect(ipToText(ipFromText("64:ff9b::192.0.2.33"))).toBe("64:ff9b::c000:221");
    expect(ipToText(ipFromText("::ffff:0:192.0.2.1"))).toBe("::ffff:0:c000:201");
    expect(ipToText(ipFromText("::ffff:0.0.0.0"))).toBe("::ffff:0.0.0.0");
    expect(ipToText(ipFromText("1::ffff:192.0.2.1"))).toBe("1::ffff:c000:201");
  });

  test("is undefined for an empty IP, which stands for the source address of the datagram", () => {
    expect(ipToText(new Uint8Array(0))).toBeUndefined();
    expect(() => ipFromText("")).toThrow(RangeError);
    expect(tryIpFromText("")).toBeUndefined();
  });

  test.each([1, 3, 5, 8, 15, 17, 32])("is a RangeError for %d bytes", (length) => {
    expect(() => ipToText(new Uint8Array(length))).toThrow(
      new RangeError(`ip: expected 4 bytes (IPv4), 16 (IPv6) or none, got ${length}`),
    );
  });

  test.each(VIEWS)("is written from %s", (_, as) => {
    expect(ipToText(as(Uint8Array.of(192, 0, 2, 1)))).toBe("192.0.2.1");
    expect(ipToText(as(ipFromText("2001:db8::1")))).toBe("2001:db8::1");
  });

  test("is the same as by ipaddr.js and URL, except for IPv4-mapped addresses, for which those have no special form", () => {
    fc.assert(
      fc.property(ipv6, (ip) => {
        const text = ipToText(ip)!;
        if (isMapped(ip)) return expect(text).toBe(`::ffff:${ip.subarray(12).join(".")}`);
        expect(text).toBe((ipaddr.fromByteArray([...ip]) as ipaddr.IPv6).toRFC5952String());
        expect(`[${text}]`).toBe(new URL(`http://[${text}]/`).hostname);
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  test("is parsed to the same bytes, which are written as the same text", () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6, mapped), (ip) => {
        const text = ipToText(ip)!;
        expect(hex(ipFromText(text))).toBe(hex(ip));
        expect(ipToText(ipFromText(text))).toBe(text);
        expect(isIP(text)).toBe(ip.length === 4 ? 4 : 6);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  test("may have any form of RFC 4291, and is parsed to the same bytes as by node:net and ipaddr.js", () => {
    fc.assert(
      fc.property(written, (text) => {
        expect(parsedByOthers(text)).toBeDefined();
        expect(hex(ipFromText(text))).toBe(parsedByOthers(text)!);
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  test("is valid if node:net accepts it without a zone, and is parsed to the same bytes as by ipaddr.js", () => {
    let valid = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: almost }, anything), (text) => {
        const ip = tryIpFromText(text);
        if (ip !== undefined) valid++;
        expect(ip && hex(ip)).toBe(parsedByOthers(text));
      }),
      { seed: SEED, numRuns: 20_000 },
    );
    expect(valid).toBeGreaterThan(2000);
    expect(valid).toBeLessThan(18_000);
  });

  test.each([
    "192.0.2",
    "192.0.2.1.1",
    "192.0.2.256",
    "192.0.2.01",
    "192.0.2.",
    ".192.0.2.1",
    "0xc0.0.2.1",
    "3221225985",
    "192.0.2.-1",
    "192.0.2.1e0",
    "１92.0.2.1",
    ":",
    ":::",
    "1::2::3",
    "1:::2",
    "::1::",
    "1:",
    ":1",
    "::1:",
    ":1::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8::",
    "00001::",
    "g::",
    "::-1",
    "192.0.2.1::",
    "::192.0.2.1:1",
    "::192.0.2.01",
    "1:2:3:4:5:6:7:192.0.2.1",
    "[::1]",
    "[::1]:22000",
    "192.0.2.1:22000",
    "::1/64",
    "192.0.2.0/24",
    " 192.0.2.1",
    "192.0.2.1 ",
    "192.0.2.1\n",
    "::1\0",
    "discovery.example",
    "__proto__",
  ])("cannot be %j", (text) => {
    expect(tryIpFromText(text)).toBeUndefined();
    expect(thrownBy(() => ipFromText(text))).toEqual(
      new RangeError(
        `text: expected an IP, such as 192.0.2.1 or 2001:db8::1, got ${JSON.stringify(text).replace("１", "\\uff11")}`,
      ),
    );
  });

  test("cannot have a zone, and the error message says so", () => {
    expect(tryIpFromText("fe80::1%eth0")).toBeUndefined();
    const { message } = thrownBy(() => ipFromText("fe80::1%eth0"));
    expect(message).toEndWith('got "fe80::1%eth0" (an IP in a packet has no zone)');
  });

  test("is rejected without parsing if it is too long, and quoted in the error only in part, as printable ASCII", () => {
    for (const text of ["1:".repeat(2 ** 20), ".".repeat(2 ** 20), "\u001b[2J\u0085\ud800é\n".repeat(2 ** 20)]) {
      expect(tryIpFromText(text)).toBeUndefined();
      const { message } = thrownBy(() => ipFromText(text));
      expect(message).toMatch(/^[ -~…]{1,460}$/);
      expect(message).toEndWith(`… (${text.length} characters)`);
    }
  });
});

describe("the client", () => {
  test("writes IPv4 and IPv4-mapped addresses as IPv4, and IPv6 as in RFC 5952", () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6, mapped), (ip) => {
        const address = ipaddr.process(ipToText(ip)!);
        const text = address.kind() === "ipv4" ? address.toString() : (address as ipaddr.IPv6).toRFC5952String();
        expect(unmappedIpText(ip)).toBe(text);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });
});
