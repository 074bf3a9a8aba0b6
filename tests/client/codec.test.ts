/** The client's own functions for packets agree with the codec on every vector. */
import { expect, test } from "bun:test";
import { AnnouncementFields, encodeAnnouncement, encodeQuery } from "../../src/client/codec.ts";
import { createCodec } from "../../src/codec/index.ts";
import { vectorFiles } from "../package/workplace.ts";

const codec = createCodec();
const texts = await Promise.all((await vectorFiles()).map((file) => Bun.file(file).text()));
const vectors: string[] = texts.flatMap((text) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).hex),
);

test("announcements are found, and nothing else is", () => {
  const fields = new AnnouncementFields();
  let found = 0;
  for (const hex of vectors) {
    const bytes = Uint8Array.fromHex(hex);
    const result = codec.tryDecode(bytes);
    const announcement = result.ok && result.packet.type === "announcement" ? result.packet : undefined;
    expect(fields.find(bytes)).toBe(announcement !== undefined);
    if (announcement === undefined) continue;
    found++;
    const { port, nodeIdOffset, nodeIdLength, ipOffset, ipLength } = fields;
    expect(port).toBe(announcement.port);
    expect(bytes.slice(nodeIdOffset, nodeIdOffset + nodeIdLength)).toEqual(new Uint8Array(announcement.nodeId));
    expect(bytes.slice(ipOffset, ipOffset + ipLength)).toEqual(new Uint8Array(announcement.ip));
  }
  expect(found).toBeGreaterThan(500);
});

test("packets are the codec's, for NodeIDs of any length", () => {
  for (const length of [1, 2, 3, 4, 5, 52, 64, 1007, 1008]) {
    const nodeId = crypto.getRandomValues(new Uint8Array(length));
    expect(encodeQuery(nodeId)).toEqual(codec.encode({ type: "query", nodeId }));
    for (const port of [0, 1, 22000, 65535]) {
      const ip = new Uint8Array(0);
      expect(encodeAnnouncement(nodeId, port)).toEqual(codec.encode({ type: "announcement", nodeId, port, ip }));
    }
  }
});
