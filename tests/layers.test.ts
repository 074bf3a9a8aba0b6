import { expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dir, "..");
/** From the top down; what stands in one row does not know its neighbours. */
const LAYERS = [["cli"], ["admin", "server", "client"], ["journal", "transport", "engine"], ["codec"], ["xdr"]];
const IMPORT = /(?:^|\n)(?:import|export)\b[^;]*?\bfrom "([^"]+)"|\bimport\("([^"]+)"\)/g;

function level(room: string): number {
  return LAYERS.findIndex((rooms) => rooms.includes(room));
}

/** The files that a source file imports, from the top of the tree. */
async function imports(file: string): Promise<string[]> {
  const text = await Bun.file(join(ROOT, file)).text();
  const targets = [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2]!);
  return targets.filter((to) => to.startsWith(".")).map((to) => relative(ROOT, join(ROOT, dirname(file), to)));
}

async function sources(pattern: string): Promise<string[]> {
  return (await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: ROOT }))).sort();
}

test("imports point down the layers only", async () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const file of await sources("src/*/**/*.ts")) {
    const room = file.split("/")[1]!;
    expect(level(room), `${room} has no place in the layers`).toBeGreaterThanOrEqual(0);
    for (const target of await imports(file)) {
      const [top, other] = target.split("/");
      if (top !== "src" || other === room) continue;
      seen++;
      if (level(other!) <= level(room)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(5);
});

test("assembly imports nothing but itself", async () => {
  for (const file of await sources("assembly/*.ts")) {
    for (const target of await imports(file)) expect(target).toStartWith("assembly/");
  }
});
