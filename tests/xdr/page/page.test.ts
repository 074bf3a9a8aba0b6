// Types in pages of Chromium, under policies that allow and forbid generated code, with the stack that a page has.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { join } from "node:path";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { hasChromium, launchChromium, NEEDS_CHROMIUM } from "../../support/chromium.ts";
import { testIf } from "../../support/needs.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import type { Report } from "./program.ts";

const STRICT = "script-src 'self'";

describe("in a page", () => {
  let browser: Browser | undefined;
  /** One tab for all tests: another one takes longer than a test. */
  let page: Page;
  let server: Bun.Server<undefined>;

  beforeAll(async () => {
    if (!hasChromium) return;
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dir, "program.ts")],
      bundle: true,
      format: "esm",
      platform: "neutral",
      write: false,
    });
    const script = outputFiles[0]!.text;
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        const { pathname, searchParams } = new URL(request.url);
        if (pathname === "/script") return new Response(script, { headers: { "Content-Type": "text/javascript" } });
        return new Response('<!doctype html><script type="module" src="/script"></script>', {
          headers: { "Content-Type": "text/html", "Content-Security-Policy": searchParams.get("policy")! },
        });
      },
    });
    browser = await launchChromium();
    page = await browser.newPage();
  }, TEST_LIMIT_MS);

  afterAll(async () => {
    await browser?.close();
    await server?.stop(true);
  });

  async function report(policy: string, generate: boolean): Promise<Report> {
    const errors: string[] = [];
    const note = ({ message }: Error) => void errors.push(message);
    page.on("pageerror", note);
    await page.goto(`${server.url}?${new URLSearchParams({ policy, generate: String(generate) })}`);
    const found = await page.evaluate(() => (globalThis as { report?: Promise<Report> }).report);
    page.off("pageerror", note);
    expect(errors).toEqual([]);
    return found!;
  }

  const works = { problems: [], depths: { optional: 500, array: 500, list: 500, union: 500, nested: 500 } };

  testIf(hasChromium, NEEDS_CHROMIUM)(
    "whose policy forbids generated code, everything works, and after allowCodeGeneration(false) nothing violates the policy",
    async () => {
      expect(await report(STRICT, false)).toEqual({ ...works, violations: 0, attempts: 0, generated: 0 });
    },
    TEST_LIMIT_MS,
  );

  testIf(hasChromium, NEEDS_CHROMIUM)(
    "whose policy forbids generated code, types that may try violate it once, and everything works",
    async () => {
      expect(await report(STRICT, true)).toEqual({ ...works, violations: 1, attempts: 1, generated: 0 });
    },
    TEST_LIMIT_MS,
  );

  testIf(hasChromium, NEEDS_CHROMIUM)(
    "that requires trusted types, everything works too",
    async () => {
      const found = await report(`${STRICT} 'unsafe-eval'; require-trusted-types-for 'script'`, true);
      expect(found).toEqual({ ...works, violations: 1, attempts: 1, generated: 0 });
    },
    TEST_LIMIT_MS,
  );

  testIf(hasChromium, NEEDS_CHROMIUM)(
    "whose policy has 'unsafe-eval', code is generated",
    async () => {
      const found = await report(`${STRICT} 'unsafe-eval'`, true);
      expect(found).toEqual({ ...works, violations: 0, attempts: 12, generated: 12 });
    },
    TEST_LIMIT_MS,
  );
});
