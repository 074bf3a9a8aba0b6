import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeAnnouncement, encodeAnnouncement } from "../../../src/syncthing/local/codec.ts";

/** Captured from Syncthing 1.19.2, which sends its own addresses, and one without a port for NAT traversal. */
const CAPTURED = Buffer.from(
  "2ea7d90b0a20f719ce5711c62a2a792d8f315a8e6bf072a0560198653ee0dbb83487ffb4155212137463703a2f2f302e302e302e303a323230303012" +
    "147463703a2f2f31302e392e302e313a3232303030120f7463703a2f2f302e302e302e303a301214717569633a2f2f302e302e302e303a3232303030" +
    "1215717569633a2f2f31302e392e302e313a323230303018d7aa9ef0ad80b7972a",
  "hex",
);
const ID = CAPTURED.subarray(6, 38);
const MESSAGE = {
  id: ID,
  addresses: [
    "tcp://0.0.0.0:22000",
    "tcp://10.9.0.1:22000",
    "tcp://0.0.0.0:0",
    "quic://0.0.0.0:22000",
    "quic://10.9.0.1:22000",
  ],
  instance: 3_039_608_703_394_747_735n,
};
const MAGIC = "2ea7d90b";
/** A field with the device ID. */
const ID_FIELD = `0a20${ID.toString("hex")}`;

const decoded = (...hex: string[]) => decodeAnnouncement(Buffer.from(MAGIC + hex.join(""), "hex"));

test("a captured packet of Syncthing is read, and written in the same bytes", () => {
  expect(decodeAnnouncement(CAPTURED)).toEqual(MESSAGE);
  expect(Buffer.from(encodeAnnouncement(MESSAGE)).toString("hex")).toBe(CAPTURED.toString("hex"));
});

test("what was written is read again", () => {
  const message = fc.record({
    id: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    addresses: fc.array(fc.string({ maxLength: 300 }), { maxLength: 20 }),
    instance: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  });
  fc.assert(
    fc.property(message, ({ id, addresses, instance }) => {
      const back = decodeAnnouncement(Buffer.from(encodeAnnouncement({ id, addresses, instance })))!;
      expect(new Uint8Array(back.id)).toEqual(id);
      expect([back.addresses, back.instance] as unknown).toEqual([addresses, instance]);
    }),
  );
});

test("a device that announces nothing but its ID is read", () => {
  expect(decoded(ID_FIELD)).toEqual({ id: ID, addresses: [], instance: 0n });
});

test.each<string[]>([
  ["a varint", "2001", "a0bfbfbf0f7f"],
  ["a fixed64", "210102030405060708"],
  ["bytes", "2203616263"],
  ["a fixed32", "2501020304"],
  ["a known number with another type", "0801", "1001", "1a0161"],
])("an unknown field is skipped: %s", (_what, ...fields) => {
  for (const field of fields) {
    expect(decoded(field, ID_FIELD, "1807"), field).toEqual({ id: ID, addresses: [], instance: 7n });
    expect(decoded(ID_FIELD, "1807", field), field).toEqual({ id: ID, addresses: [], instance: 7n });
  }
});

test("the last of two fields counts", () => {
  expect(decoded(`0a20${"00".repeat(32)}`, "1801", ID_FIELD, "1802")).toEqual({ id: ID, addresses: [], instance: 2n });
});

test.each([
  ["nothing", ""],
  ["no ID", "1807"],
  ["an ID of 31 bytes", `0a1f${"00".repeat(31)}`],
  ["an ID of 33 bytes", `0a21${"00".repeat(33)}`],
  ["no ID of 32 bytes at the end", `${ID_FIELD}0a00`],
  ["an ID that is cut off", ID_FIELD.slice(0, -2)],
  ["an address that is cut off", `${ID_FIELD}120561`],
  ["an address of 2^63 bytes", `${ID_FIELD}12ffffffffffffffff7f`],
  ["a field that ends after its tag", `${ID_FIELD}18`],
  ["a varint that is cut off", `${ID_FIELD}1880`],
  ["a varint of 11 bytes", `${ID_FIELD}18${"80".repeat(10)}01`],
  ["a fixed64 that is cut off", `${ID_FIELD}2100`],
  ["a fixed32 that is cut off", `${ID_FIELD}2500`],
  ["a group", `${ID_FIELD}2324`],
  ["wire type 6", `${ID_FIELD}26`],
  ["field 0", `${ID_FIELD}0001`],
  ["a field number of 30 bits", `${ID_FIELD}80808080800101`],
])("a packet is no announcement with %s", (_what, hex) => {
  expect(decoded(hex)).toBeUndefined();
});

test("packets of v0.13, of other programs and too long ones are no announcements", () => {
  const right = MAGIC + ID_FIELD;
  expect(decodeAnnouncement(Buffer.from(right, "hex"))).toBeDefined();
  for (const magic of ["7d79bc40", "20121025", "00000000"]) {
    expect(decodeAnnouncement(Buffer.from(magic + ID_FIELD, "hex"))).toBeUndefined();
  }
  for (const length of [0, 1, 3, 4])
    expect(decodeAnnouncement(Buffer.from(right, "hex").subarray(0, length))).toBeUndefined();
  const padding = (length: number) => `22${"80"}40${"00".repeat(length)}`;
  expect(decodeAnnouncement(Buffer.from(right + padding(8_192 - 38 - 3), "hex"))).toBeUndefined();
  expect(decodeAnnouncement(Buffer.alloc(8_193))).toBeUndefined();
});

test("no packet is too strange to be read, nor is any cut or changed announcement", () => {
  const bytes = fc.uint8Array({ maxLength: 400 });
  fc.assert(
    fc.property(bytes, (bytes) => {
      decodeAnnouncement(Buffer.from(bytes));
      decodeAnnouncement(Buffer.concat([Buffer.from(MAGIC, "hex"), bytes]));
      decodeAnnouncement(Buffer.concat([Buffer.from(MAGIC + ID_FIELD, "hex"), bytes]));
    }),
    { numRuns: 20_000 },
  );
  for (let length = 0; length < CAPTURED.length; length++) decodeAnnouncement(CAPTURED.subarray(0, length));
  const change = fc.record({ at: fc.nat(CAPTURED.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const packet = Buffer.from(CAPTURED);
      for (const { at, byte } of changes) packet[at] = byte;
      const { addresses = [] } = decodeAnnouncement(packet) ?? {};
      expect(addresses.join("").length).toBeLessThan(CAPTURED.length);
    }),
    { numRuns: 20_000 },
  );
});
