/** Draws the pictures of docs/ that show how things work, and writes them to docs/pictures: `bun scripts/pictures/main.ts`. */
import { join } from "node:path";
import { memoryMap } from "./memory-map.ts";
import { packetFlow } from "./packet-flow.ts";
import { announcement, query } from "./packets.ts";

/** The pictures by the names of their files in docs/pictures. */
export const PICTURES = {
  "announcement.svg": announcement,
  "memory-map.svg": memoryMap,
  "packet-flow.svg": packetFlow,
  "query.svg": query,
} as const;

if (import.meta.main) {
  for (const [name, draw] of Object.entries(PICTURES)) {
    await Bun.write(join(import.meta.dir, "../../docs/pictures", name), draw());
  }
}
