import { describe, expect, test } from "bun:test";
import { deviceIdOf, deviceNodeId, formatDeviceId, parseDeviceId } from "../../src/syncthing/device-id.ts";

/** The key pair that stdiscosrv 1.19.2 made, and what it logged: "Server device ID is …". */
const TEXT = "CAKGMIW-W7OSV2X-H5ULU3A-7B4QGRD-2IACSCR-4DDBGSK-YFEVJDK-SGNIMQB";
const NODE_ID = "CAKGMIWW7OSV2H5ULU3A7B4QGR2IACSCR4DDBGSYFEVJDKSGNIMQ";

test("a device ID is the SHA-256 of the certificate", () => {
  const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(deviceIdOf(new TextEncoder().encode("abc")).toHex()).toBe(hash);
});

test("the texts with and without check characters are one device", () => {
  const id = parseDeviceId(TEXT);
  expect(id).toHaveLength(32);
  expect(parseDeviceId(NODE_ID)).toEqual(id);
  expect(formatDeviceId(id)).toBe(TEXT);
  expect(deviceNodeId(id)).toBe(NODE_ID);
});

test.each([
  ["lower case", TEXT.toLowerCase()],
  ["without dashes", TEXT.replaceAll("-", "")],
  ["with spaces", TEXT.replaceAll("-", " ")],
  ["with digits that look like letters", TEXT.replaceAll("B", "8").replaceAll("I", "1").replaceAll("O", "0")],
])("a device ID is read %s", (_, text) => {
  expect(formatDeviceId(parseDeviceId(text))).toBe(TEXT);
});

test("any hash survives both texts", () => {
  for (let i = 0; i < 1000; i++) {
    const id = crypto.getRandomValues(new Uint8Array(32));
    expect(parseDeviceId(formatDeviceId(id))).toEqual(id);
    expect(parseDeviceId(deviceNodeId(id))).toEqual(id);
  }
});

describe("an error says which character is wrong", () => {
  test.each([
    [`${TEXT.slice(0, -1)}A`, "one of the characters 49 to 63"],
    [TEXT.replace("2IACSCR", "2IACSCX"), "one of the characters 33 to 47"],
    [TEXT.replace("W7OSV2X", "W!OSV2X"), 'character 10 of a device ID must be A to Z or 2 to 7, not "!"'],
    [TEXT.replace("W7OSV2X", "W9OSV2X"), 'character 10 of a device ID must be A to Z or 2 to 7, not "9"'],
    [`${NODE_ID.slice(0, -1)}R`, "character 52 of the device ID is wrong"],
    ["", "not 0"],
    [TEXT.slice(0, -8), "not 49"],
    [`${TEXT}A`, "not 57"],
    ["😀", 'character 1 of a device ID must be A to Z or 2 to 7, not "😀"'],
  ])("%s", (text, message) => {
    expect(() => parseDeviceId(text)).toThrow(RangeError);
    expect(() => parseDeviceId(text)).toThrow(message);
  });

  test("a value that is no text", () => {
    expect(() => parseDeviceId(7 as unknown as string)).toThrow(TypeError);
    expect(() => formatDeviceId(new Uint8Array(31))).toThrow(RangeError);
  });
});

test("every single wrong letter is found", () => {
  for (let at = 0; at < TEXT.length; at++) {
    if (TEXT[at] === "-") continue;
    const other = TEXT[at] === "A" ? "C" : "A";
    expect(() => parseDeviceId(TEXT.slice(0, at) + other + TEXT.slice(at + 1))).toThrow(RangeError);
  }
});
