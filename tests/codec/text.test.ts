// NodeIDs as text and bytes as hex: conversions are lossless in both directions.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { nodeIdBytes } from "../../src/client/node-id.ts";
import {
  bytesFromHex,
  bytesToHex,
  ipFromText,
  ipToText,
  nodeIdFromText,
  nodeIdToText,
  tryIpFromText,
} from "../../src/codec/index.ts";
import { hex } from "../support/packets.ts";
import { thrownBy, VIEWS } from "./views.ts";

const SEED = 3629;

describe("the text of a NodeID", () => {
  test.each([
    ["empty", "", ""],
    ["52 letters of base32", "QGJLIW4PZ5QW6QPDHFGO3NYMJYNQZ4OYFAQ2VQOSGU2QGJLIW4PZ", undefined],
    ["characters of one to four bytes", "Aé€😀", "41c3a9e282acf09f9880"],
    ["a byte order mark", "\ufeffA", "efbbbf41"],
    ["control characters", "\0\n\u007f\u0085", "000a7fc285"],
    ["composed and decomposed characters, which differ", "é\u0065\u0301", "c3a965cc81"],
    ["noncharacters", "\uffff\u{10ffff}", "efbfbff48fbfbf"],
  ])("may be %s", (_, text, bytes) => {
    const nodeId = nodeIdFromText(text);
    if (bytes !== undefined) expect(hex(nodeId)).toBe(bytes);
    expect(nodeIdToText(nodeId)).toBe(text);
  });

  test.each([
    ["a continuation byte without a first byte", "80"],
    ["a character that is cut short", "4ee282"],
    ["an overlong slash", "c0af"],
    ["an overlong null", "e08080"],
    ["a surrogate", "eda080"],
    ["a surrogate pair, encoded as two characters", "eda0bdedb880"],
    ["a code point above U+10FFFF", "f4908080"],
    ["a byte that UTF-8 never has", "41ff42"],
    ["Latin-1", "4ee964e9"],
  ])("is undefined for %s", (_, bytes) => {
    expect(nodeIdToText(Uint8Array.fromHex(bytes))).toBeUndefined();
  });

  test.each(["\ud800", "\udc00", "A\ud83d", "\ude00\ud83d", "\ud83d\ud83d\ude00", `${"a".repeat(1000)}\udfff`])(
    "cannot be %j: an unpaired surrogate is a RangeError and is not replaced",
    (text) => {
      const error = thrownBy(() => nodeIdFromText(text));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toMatch(/^text: an unpaired surrogate has no UTF-8: "[ -~]*"…?[ -~]*$/);
      expect(error.message.length).toBeLessThan(250);
    },
  );

  test("is encoded to the same bytes as by TextEncoder, and decoded to the same text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        const nodeId = nodeIdFromText(text);
        expect(hex(nodeId)).toBe(hex(new TextEncoder().encode(text)));
        expect(nodeIdToText(nodeId)).toBe(text);
        expect(nodeId.buffer.byteLength).toBe(nodeId.length);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  test("is encoded to the bytes from which it was decoded, or is undefined", () => {
    let texts = 0;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ max: 0xc3, maxLength: 4 })), (bytes) => {
        const text = nodeIdToText(bytes);
        expect(text !== undefined).toBe(Buffer.compare(Buffer.from(Buffer.from(bytes).toString()), bytes) === 0);
        if (text === undefined) return;
        texts++;
        expect(hex(nodeIdFromText(text))).toBe(hex(bytes));
      }),
      { seed: SEED, numRuns: 5000 },
    );
    expect(texts).toBeGreaterThan(500);
  });

  test.each(VIEWS)("is decoded from %s", (_, as) => {
    expect(nodeIdToText(as(Uint8Array.fromHex("c3a9f09f9880")))).toBe("é😀");
    expect(nodeIdToText(as(Uint8Array.of(0xff)))).toBeUndefined();
  });
});

describe("hex", () => {
  test("is written in lower case, and read in lower and upper case as the same bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = bytesToHex(bytes);
        expect(text).toBe(bytes.toHex());
        expect(bytesFromHex(text)).toEqual(bytes);
        expect(bytesFromHex(text.toUpperCase())).toEqual(bytes);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test.each(VIEWS)("is written from %s", (_, as) => {
    expect(bytesToHex(as(Uint8Array.of(0, 1, 0x80, 0xff)))).toBe("000180ff");
  });

  test.each([
    ["0", "text: expected two hex digits per byte, got 1"],
    ["abc", "text: expected two hex digits per byte, got 3"],
    ["0g", 'text: expected hex, got "g" as character 2'],
    ["0x00", 'text: expected hex, got "x" as character 2'],
    ["00 11", 'text: expected hex, got " " as character 3'],
    ["-1", 'text: expected hex, got "-" as character 1'],
    ["００", 'text: expected hex, got "\\uff10" as character 1'],
    ["00\n", 'text: expected hex, got "\\n" as character 3'],
  ])("cannot be %j", (text, message) => {
    expect(thrownBy(() => bytesFromHex(text))).toEqual(new RangeError(message));
  });
});

test("a TypeError is thrown for text that is not a string, and for bytes that are not a Uint8Array", () => {
  for (const wrong of [undefined, null, 22000, ["1", "2"], new Uint8Array(4), new String("::1")]) {
    for (const read of [ipFromText, tryIpFromText, nodeIdFromText, bytesFromHex]) {
      expect(() => read(wrong as never)).toThrow(TypeError);
    }
  }
  for (const wrong of [undefined, null, "192.0.2.1", [192, 0, 2, 1], new ArrayBuffer(4), new Uint16Array(2)]) {
    for (const write of [ipToText, nodeIdToText, bytesToHex]) expect(() => write(wrong as never)).toThrow(TypeError);
  }
  expect(() => ipFromText(1 as never)).toThrow("text: expected a string, got number");
  expect(() => ipToText("::" as never)).toThrow("ip: expected a Uint8Array, got string");
});

test("the client throws for a NodeID with an unpaired surrogate", () => {
  expect(() => nodeIdBytes("NODE\ud83d")).toThrow(RangeError);
  expect(hex(nodeIdBytes("NØDE"))).toBe("4ec3984445");
});
