// How the live page writes numbers, times and NodeIDs.
import { expect, test } from "bun:test";
import * as format from "../../../src/admin/page/format.ts";

/** The same with plain spaces. */
const plain = (text: string) => text.replaceAll("\u202f", " ");

test.each([
  [0, "0"],
  [0.04, "<0.1"],
  [0.3, "0.3"],
  [9.94, "9.9"],
  [9.96, "10"],
  [1234.4, "1 234"],
  [1_000_000, "1 000 000"],
])("a rate of %p is %s", (n, text) => {
  expect(plain(format.rate(n))).toBe(text);
});

test.each([
  [-5, "0 s"],
  [0.9, "0 s"],
  [119, "119 s"],
  [120, "2 min"],
  [7199, "119 min"],
  [7260, "2 h 1 min"],
  [7200, "2 h"],
  [172_800, "2 d"],
  [180_000, "2 d 2 h"],
])("%p seconds are %s", (s, text) => {
  expect(format.duration(s)).toBe(text);
});

test("small durations have a decimal, bytes have units, parts are percentages", () => {
  expect([0.24, 12.7, -1].map(format.seconds)).toEqual(["0.2 s", "12 s", "0.0 s"]);
  expect([0, 999, 1000, 210e6, 5e12].map(format.bytes).map(plain)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "210 MB",
    "5 000 GB",
  ]);
  expect([0, 0.003, 0.42, 1].map(format.percent).map(plain)).toEqual(["0 %", "0.3 %", "42 %", "100 %"]);
  expect([1, 2].map((n) => format.counted(n, "node"))).toEqual(["1 node", "2 nodes"]);
});

test("a time of another day has its date", () => {
  const noon = new Date(2026, 0, 31, 12, 0, 5).getTime();
  expect(format.clock(noon)).toBe("12:00:05");
  expect(format.clock(noon, noon + 86_400_000)).toBe("31 Jan, 12:00:05");
});

test.each([
  ["plain", "plain"],
  ["a b", "a b"],
  ["evil\u202egpj", "evil\\u{202e}gpj"],
  ["\u0000\u001b[31m\n", "\\u{0}\\u{1b}[31m\\u{a}"],
  ["zero\u200bwidth\u2066", "zero\\u{200b}width\\u{2066}"],
  [" edges ", "\\u{20}edges\\u{20}"],
  ["no\u00a0break", "no\\u{a0}break"],
  ["\u2028", "\\u{2028}"],
  ["<b>&amp;", "<b>&amp;"],
  ["größe 🐌", "größe 🐌"],
])("what cannot be seen is made visible: %p", (text, shown) => {
  expect(format.visible(text)).toBe(shown);
});

test("a NodeID that is no text is shown in hex, as the look-up box takes it", () => {
  expect(format.nodeId({ text: "NODE", hex: "4e4f4445" })).toBe("NODE");
  expect(format.nodeId({ text: null, hex: "caff" })).toBe("hex:caff");
  expect(format.nodeId({ text: "", hex: "" })).toBe("hex:");
});

test.each([
  ["NODE", "4e4f4445"],
  ["ü", "c3bc"],
  ["..", "2e2e"],
  ["hex:CAfe", "cafe"],
  ["hex: ca fe", "cafe"],
  ["hex:ca:fe", "cafe"],
  ["hex:", undefined],
  ["hex:c", undefined],
  ["hex:zz", undefined],
])("the look-up box takes %p as the bytes %p", (written, hex) => {
  expect(format.nodeIdHex(written)).toBe(hex);
});
