import { expect, test } from "bun:test";
import fc from "fast-check";
import { deviceNodeId, formatDeviceId, parseDeviceId } from "../../../src/syncthing/device-id.ts";
import { askedDevice } from "../../../src/syncthing/directory/query.ts";

const ID = crypto.getRandomValues(new Uint8Array(32));
const TEXT = formatDeviceId(ID);

test.each([
  [`/v2/?device=${TEXT}`, ID],
  [`/?device=${TEXT}`, ID],
  [`/any/path?device=${deviceNodeId(ID)}`, ID],
  [`/?device=${TEXT.toLowerCase()}`, ID],
  [`/?device=${TEXT.replaceAll("-", "")}`, ID],
  [`/?device=${TEXT.replaceAll("-", "+")}`, ID],
  [`/?device=${TEXT.replaceAll("-", "%20")}`, ID],
  [`/?device=${TEXT.replaceAll("-", "%2D")}`, ID],
  [`/?device=${TEXT.replaceAll("-", "---")}`, ID],
  [`/?device=${TEXT}&x=y`, ID],
  [`/?x=y&device=${TEXT}`, ID],
  [`/?device=${TEXT}&device=AAAA`, ID],
  ["/", undefined],
  ["/?device=", undefined],
  ["/?device", undefined],
  ["/?Device=AAAA", undefined],
  ["/?device=AAAA", "invalid"],
  [`/?device=${TEXT}A`, "invalid"],
  [`/?device=${TEXT}%0A`, "invalid"],
  [`/?device=é${TEXT}`, "invalid"],
  ["/?device=%", "invalid"],
] as const)("the device of the look-up %s", (target: string, device: Uint8Array | "invalid" | undefined) => {
  expect(askedDevice(target)).toEqual(device);
});

test("a long text is no device ID", () => {
  expect(askedDevice(`/?device=${"A".repeat(100_000)}`)).toBe("invalid");
});

/** What the reference makes of a text. */
function reference(text: string): Uint8Array | "invalid" {
  try {
    return parseDeviceId(text);
  } catch {
    return "invalid";
  }
}

test("device IDs are read as everywhere else: with typical confusions, and not with a wrong character", () => {
  const wild = fc.stringMatching(/^[A-Za-z0-9 -]{1,70}$/);
  const id = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const right = id.map(formatDeviceId);
  const changed = fc.tuple(right, fc.nat(62), fc.constantFrom(..."AaQ2701 8-")).map(([text, at, character]) => {
    return text.slice(0, at) + character + text.slice(at + 1);
  });
  const plain = fc
    .tuple(id.map(deviceNodeId), fc.constantFrom(..."ABCIQ"))
    .map(([text, last]) => text.slice(0, -1) + last);
  fc.assert(
    fc.property(fc.oneof(wild, right, changed, plain), (text) => {
      fc.pre(text.trim() !== "");
      expect(askedDevice(`/?device=${encodeURIComponent(text)}`)).toEqual(reference(text));
      if (!text.includes(" ")) expect(askedDevice(`/?device=${text}`)).toEqual(reference(text));
    }),
    { numRuns: 500 },
  );
});
