/** Measures the first use of the codec in new processes of Bun and Node, and in new pages of Chromium. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "../../page/browser.ts";
import { ISOLATED } from "../../page/server.ts";
import { median } from "../../statistics.ts";
import { BACKENDS, type Cold, type Runtime } from "./figures.ts";
import { FIRST_USES, type FirstUse, type FirstUseTimes, firstUse } from "./first-use.ts";

const ROOT = join(import.meta.dir, "../../..");
/** The files that package.json names for `whereabouts/codec`: Bun runs the sources, all others the built module. */
const SOURCE = join(ROOT, "src/codec/index.ts");
const BUILT = join(ROOT, "dist/codec.js");

/** Measures one first use in a new process or page. */
interface Starter extends AsyncDisposable {
  measure(use: Omit<FirstUse, "module">): Promise<FirstUseTimes>;
}

const STARTERS: Readonly<Record<Runtime, (module: string) => Starter | Promise<Starter>>> = {
  bun: (module) => processes([process.execPath, "-e"], module),
  node: (module) => processes(["node", "--input-type=module", "-e"], module),
  chromium: pages,
};

/**
 * @param samples - new processes or pages for each backend and use
 * @param module - the path of the codec. Default: the file that package.json names for the runtime
 * @throws {Error} if the runtime is missing, or the codec was not built for it
 */
export async function measureCold(
  runtime: Runtime,
  samples: number,
  module = runtime === "bun" ? SOURCE : BUILT,
): Promise<Cold> {
  if (!existsSync(module)) throw new Error(`there is no ${module}: bun run dist builds it`);
  await using starter = await STARTERS[runtime](module);
  const cases = FIRST_USES.flatMap((use) => BACKENDS.map((backend) => ({ use, backend, times: [] as number[] })));
  const importing: number[] = [];
  // Round by round, since other processes slow the machine down for seconds at a time.
  for (let i = 0; i < samples; i++) {
    for (const { times, ...use } of cases) {
      const found = await starter.measure(use);
      importing.push(found.importing);
      times.push(found.using);
    }
  }
  const medianOf = (use: FirstUse["use"], backend: FirstUse["backend"]) =>
    median(cases.find((found) => found.use === use && found.backend === backend)!.times);
  const both = (use: FirstUse["use"]) => ({ wasm: medianOf(use, "wasm"), ts: medianOf(use, "ts") });
  return { import: median(importing), decode: both("decode"), batch: both("batch") };
}

/** @param command - evaluates the code that follows it */
function processes(command: readonly string[], module: string): Starter {
  return {
    async measure(use) {
      const code = `console.log(JSON.stringify(await (${firstUse})(${JSON.stringify({ ...use, module })})))`;
      const child = Bun.spawn([...command, code], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
      const [out, exit] = await Promise.all([child.stdout.text(), child.exited]);
      if (exit !== 0) throw new Error(`${command[0]} failed (exit ${exit})`);
      return JSON.parse(out);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Each page has a profile of its own, with empty caches, and so a process of its own. */
async function pages(file: string): Promise<Starter> {
  const browser = await openBrowser();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const isModule = new URL(request.url).pathname === "/codec.js";
      const body = isModule ? Bun.file(file) : "<!doctype html><title>codec</title>";
      const type = isModule ? "text/javascript" : "text/html";
      return new Response(body, { headers: { ...ISOLATED, "Content-Type": type } });
    },
  });
  return {
    async measure(use) {
      const context = await browser.newContext();
      try {
        const page = await context.newPage();
        await page.goto(`${server.url}`);
        return await page.evaluate<FirstUseTimes, FirstUse>(firstUse, { ...use, module: `${server.url}codec.js` });
      } finally {
        await context.close();
      }
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await server.stop(true);
    },
  };
}
