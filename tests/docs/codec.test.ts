// docs/codec.md: its programs run as they stand there, its tables are those of the measured figures, and what it says about
// browsers and sizes holds.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import {
  type Figures,
  OPERATIONS,
  type Operation,
  RUNTIMES,
  readFigures,
} from "../../bench/packet/published/figures.ts";
import { type AllFigures, fasterOf, withTables } from "../../bench/packet/published/tables.ts";
import { hasChromium, launchChromium, NEEDS_CHROMIUM } from "../support/chromium.ts";
import { testIf } from "../support/needs.ts";
import { hasNode, NEEDS_NODE, NODE } from "../support/node.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { blockOf, pageText } from "./pages.ts";

const ROOT = join(import.meta.dir, "../..");
const CODEC = join(ROOT, "src/codec/index.ts");
const PAGE = "docs/codec.md";
const page = await pageText(PAGE);

/** A program as one ES module, with the codec in it. */
async function bundled(code: string, minify = false): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: ROOT },
    alias: { "whereabouts/codec": CODEC },
    bundle: true,
    format: "esm",
    platform: "neutral",
    minify,
    write: false,
  });
  return outputFiles[0]!.contents;
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

for (const runtime of ["bun", "node"] as const) {
  testIf(runtime === "bun" || hasNode, NEEDS_NODE)(
    `the first program of docs/codec.md prints what the page shows, under ${runtime}`,
    async () => {
      const program = textOf(await bundled(await blockOf(PAGE, 'console.log("asks:"')));
      const command = runtime === "bun" ? [process.execPath, "-e"] : [NODE, "--input-type=module", "-e"];
      const child = Bun.spawn([...command, program], { stdout: "pipe", stderr: "inherit" });
      expect(await child.stdout.text()).toBe(await blockOf(PAGE, "asks: 1976"));
    },
    TEST_LIMIT_MS,
  );
}

describe("in a browser, without a bundler", () => {
  const files = new Map<string, { type: string; body: string }>();
  let browser: Browser | undefined;
  /** One tab for all tests: another one takes longer than a test. */
  let tab: Page;
  let server: Bun.Server<undefined>;

  beforeAll(async () => {
    if (!hasChromium) return;
    const javaScript = (body: string) => ({ type: "text/javascript", body });
    // The file that the package has as dist/codec.js.
    files.set("/node_modules/whereabouts/dist/codec.js", javaScript(textOf(await bundled(`export * from "${CODEC}"`))));
    files.set("/page", { type: "text/html", body: await blockOf(PAGE, "importmap") });
    files.set("/empty", { type: "text/html", body: "<!doctype html><title>empty</title>" });
    const worker = (await blockOf(PAGE, "addEventListener")).replace(
      "whereabouts/codec",
      "/node_modules/whereabouts/dist/codec.js",
    );
    files.set("/worker.js", javaScript(worker));
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        const { pathname, searchParams } = new URL(request.url);
        const file = files.get(pathname);
        const policy = searchParams.get("policy");
        const headers = { "Content-Type": file?.type ?? "", ...(policy && { "Content-Security-Policy": policy }) };
        return new Response(file?.body ?? "not found", { status: file ? 200 : 404, headers });
      },
    });
    browser = await launchChromium();
    tab = await browser.newPage();
  }, TEST_LIMIT_MS);

  afterAll(async () => {
    await browser?.close();
    await server?.stop(true);
  });

  async function open(path: string): Promise<Page> {
    await tab.goto(new URL(path, server.url).href);
    return tab;
  }

  testIf(hasChromium, NEEDS_CHROMIUM)(
    "the page of docs/codec.md shows the query",
    async () => {
      const opened = await open("/page");
      expect(await opened.locator("output").textContent()).toBe("19760309000000044e4f4445");
    },
    TEST_LIMIT_MS,
  );

  testIf(hasChromium, NEEDS_CHROMIUM)(
    "the worker of docs/codec.md decodes what a page sends to it",
    async () => {
      const opened = await open("/empty");
      const answers = await opened.evaluate(async (url) => {
        const worker = new Worker(url, { type: "module" });
        const answer = (bytes: readonly number[]) =>
          new Promise((resolve) => {
            worker.onmessage = ({ data }) => resolve(data);
            worker.postMessage(Uint8Array.from(bytes));
          });
        return [await answer([0x19, 0x76, 3, 9, 0, 0, 0, 1, 255, 0, 0, 0]), await answer([1, 2])];
      }, `${server.url}worker.js`);
      expect(answers).toEqual(["query ff", "short"]);
    },
    TEST_LIMIT_MS,
  );

  testIf(hasChromium, NEEDS_CHROMIUM)(
    "a policy without 'wasm-unsafe-eval' makes batches use TypeScript, and only auto causes reports of violations, two for a batch",
    async () => {
      const policy = "default-src 'none'; script-src 'self'";
      const opened = await open(`/empty?${new URLSearchParams({ policy })}`);
      const found = await opened.evaluate(async (module) => {
        const violations: string[] = [];
        addEventListener("securitypolicyviolation", (event) => {
          violations.push((event as unknown as { blockedURI: string }).blockedURI);
        });
        const { createCodec } = (await import(module)) as typeof import("../../src/codec/index.ts");
        const use = async (backend: "ts" | "auto") => {
          const before = violations.length;
          const batch = createCodec({ backend }).batch({ packets: 1, bytes: 64 });
          batch.fill(Uint8Array.of(0x19, 0x76, 3, 9, 0, 0, 0, 0), [0], [8]);
          const good = batch.decode();
          // The event is sent after the script.
          await new Promise((resolve) => setTimeout(resolve, 100));
          return { good, backend: batch.backend, reported: violations.slice(before) };
        };
        return [await use("ts"), await use("auto")];
      }, `${server.url}node_modules/whereabouts/dist/codec.js`);
      const [ts, auto] = found;
      expect(ts).toEqual({ good: 1, backend: "ts", reported: [] });
      expect(auto).toEqual({ good: 1, backend: "ts", reported: ["wasm-eval", "wasm-eval"] });
    },
    TEST_LIMIT_MS,
  );
});

describe("the figures of docs/codec.md", async () => {
  const all = Object.fromEntries(
    await Promise.all(RUNTIMES.map(async (runtime) => [runtime, await readFigures(runtime)])),
  ) as AllFigures;

  test("are those of docs/performance/codec-*.json: `bun run bench:codec --tables` writes them", () => {
    expect(withTables(page, all)).toBe(page);
    const other: Figures = { ...all.node, cold: { ...all.node.cold, import: 1234 } };
    expect(withTables(page, { ...all, node: other }).includes("| 1,234 ms |")).toBe(true);
    expect(() => withTables("# The codec", all)).toThrow(/no place for the table "machine"/);
  });

  test.each(RUNTIMES)(
    "show in %s that auto takes no slower backend, and that a first use is faster on ts",
    (runtime) => {
      for (const operation of Object.keys(OPERATIONS) as Operation[]) {
        const slower = operation.startsWith("batch") ? "ts" : "wasm";
        expect(`${operation}: ${fasterOf(all[runtime], operation).who}`).not.toBe(`${operation}: ${slower}`);
      }
      const { decode, batch } = all[runtime].cold;
      expect(decode.ts).toBeLessThan(decode.wasm);
      expect(batch.ts).toBeLessThan(batch.wasm);
    },
  );
});

test.each([
  ["`createCodec`", 'export { createCodec } from "whereabouts/codec";'],
  ["all of `whereabouts/codec`", 'export * from "whereabouts/codec";'],
  ["`nodeIdFromText` and `ipToText` alone", 'export { nodeIdFromText, ipToText } from "whereabouts/codec";'],
])("the size that docs/codec.md states for %s is right, to 3 %", async (what, code) => {
  const stated = page.split("\n").find((line) => line.startsWith(`| ${what} |`));
  const kilobytes = Number(/\| ([\d.]+) KB \|$/.exec(stated!)![1]);
  const size = gzipSync(await bundled(code, true), { level: 9 }).length;
  expect(Math.abs(size / 1000 - kilobytes)).toBeLessThan(0.05 + 0.03 * kilobytes);
});
