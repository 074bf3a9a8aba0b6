// The pictures in docs/pictures are what scripts/pictures draws, and show what is true.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { createCodec, ipToText, nodeIdToText } from "whereabouts/codec";
import { PICTURES } from "../../scripts/pictures/main.ts";
import { regions } from "../../scripts/pictures/memory-map.ts";
import { PAGES, pageText } from "./pages.ts";

const ROOT = join(import.meta.dir, "../..");

test.each(Object.entries(PICTURES))("docs/pictures/%s is what its script draws", async (name, draw) => {
  const committed = await Bun.file(join(ROOT, "docs/pictures", name)).text();
  // Says what to do: the difference of such texts would fill the screen.
  expect(committed === draw() ? "the same" : "run bun scripts/pictures/main.ts").toBe("the same");
});

/** The bytes that a picture of a packet shows, and its text. */
async function shown(name: keyof typeof PICTURES): Promise<{ bytes: Uint8Array; words: string }> {
  const svg = await Bun.file(join(ROOT, "docs/pictures", name)).text();
  const texts = [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, content]) => content!.replace(/<[^>]+>/g, " "));
  const hex = [...svg.matchAll(/<text[^>]*monospace[^>]*>([0-9a-f]{2})<\/text>/g)].map(([, byte]) => byte!);
  return { bytes: Uint8Array.fromHex(hex.join("")), words: texts.join("\n") };
}

test("the bytes in the picture of a query are a query for the NodeID in its labels", async () => {
  const { bytes, words } = await shown("query.svg");
  const packet = createCodec().decode(bytes);
  expect(packet.type).toBe("query");
  expect(words).toContain(`NodeID "${nodeIdToText(packet.nodeId)}"`);
  expect(words).toContain(`length of the NodeID ${packet.nodeId.length}`);
});

test("the bytes in the picture of an announcement have the NodeID, the port and the IP in its labels", async () => {
  const { bytes, words } = await shown("announcement.svg");
  const packet = createCodec().decode(bytes);
  if (packet.type !== "announcement") throw new Error("it is no announcement");
  expect(words).toContain(`NodeID "${nodeIdToText(packet.nodeId)}"`);
  expect(words).toContain(`length of the NodeID ${packet.nodeId.length}`);
  expect(words).toContain(`port ${packet.port}`);
  expect(words).toContain(`IP ${ipToText(packet.ip)}`);
});

test("the regions of the memory map follow each other without a gap", () => {
  const all = regions();
  expect(all.slice(1).map(({ at }) => at)).toEqual(
    all.slice(0, -1).map(({ at, bytes }) => Math.ceil((at + bytes) / 64) * 64),
  );
});

test("each picture in a page exists, and has a title if it is an SVG, and nothing from elsewhere", async () => {
  const pictures = await Promise.all(
    PAGES.map(async (page) =>
      [...(await pageText(page)).matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, path]) => join(ROOT, page, "..", path!)),
    ),
  );
  expect(pictures.flat().length).toBeGreaterThan(3);
  for (const file of pictures.flat()) {
    expect(await Bun.file(file).exists(), file).toBe(true);
    if (!file.endsWith(".svg")) continue;
    const svg = await Bun.file(file).text();
    expect(svg).toMatch(/<title>[^<]{10,}<\/title>/);
    expect(svg.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:|url\(|@import/);
  }
});
