import { expect, test } from "bun:test";
import { EXAMPLES } from "./programs.ts";

const files = [...new Bun.Glob("*.js").scanSync(EXAMPLES)].sort();

test("there are three examples of the client", () => {
  expect(files).toEqual(["chat.js", "game-lobby.js", "lan-cache.js"]);
});

test.each(files)("%s is under 60 lines, and imports only the client and modules of Node", async (file) => {
  const text = await Bun.file(`${EXAMPLES}/${file}`).text();
  expect(text.split("\n").length - 1).toBeLessThan(60);
  const imports = [...text.matchAll(/^import .* from "(.*)";$/gm)].map(([, name]) => name!);
  expect(imports.filter((name) => !name.startsWith("node:"))).toEqual(["whereabouts/client"]);
});
