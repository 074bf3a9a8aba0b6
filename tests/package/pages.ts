/** Loads the installed package in pages of a browser: its files as they are, and bundled. */
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import type { Examination } from "./vectors.ts";
import { type Project, vectorFiles } from "./workplace.ts";

/** How a page loads the package: as separate files, or in a bundle. */
export type How = "files" | "bundle";

/** What a page leaves in its global variables. */
interface Left {
  readonly examination: Examination;
  /** The errors of discoverers that are started in a page: on the LAN, with a server's address, and with its name. */
  readonly clientErrors: readonly string[];
}

/** A browser with one tab, and a server on loopback that has a page for each {@link How}. */
export class Pages implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #server: Bun.Server<undefined>;

  private constructor(browser: Browser, page: Page, server: Bun.Server<undefined>) {
    this.#browser = browser;
    this.#page = page;
    this.#server = server;
  }

  static async open(project: Project): Promise<Pages> {
    const scripts: Record<How, string> = {
      files: await script(project, "files"),
      bundle: await script(project, "bundle"),
    };
    const vectors = await Promise.all((await vectorFiles()).map((file) => Bun.file(file).text()));
    const fetch = (request: Request): Response => {
      const { pathname, searchParams } = new URL(request.url);
      const [, top, ...rest] = pathname.split("/");
      if (top === "package") return new Response(Bun.file(join(project.installed, ...rest)));
      if (top === "vectors") return Response.json(vectors);
      if (top === "script")
        return new Response(scripts[rest[0] as How], { headers: { "Content-Type": "text/javascript" } });
      const policy = searchParams.get("policy");
      return new Response(`<!doctype html><script type="module" src="/script/${top}"></script>`, {
        headers: { "Content-Type": "text/html", ...(policy && { "Content-Security-Policy": policy }) },
      });
    };
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
    const browser = await launchChromium();
    return new Pages(browser, await browser.newPage(), server);
  }

  /**
   * Loads a page, and waits for what it leaves.
   *
   * @param policy - the page's Content-Security-Policy; none if it is empty
   */
  async load(how: How, policy: string): Promise<Left> {
    const errors: string[] = [];
    const page = this.#page;
    page.removeAllListeners();
    page.on("pageerror", ({ message }) => errors.push(message));
    page.on("requestfailed", (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
    await page.goto(`${this.#server.url}${how}?${new URLSearchParams({ policy })}`);
    const left = await page.evaluate(async () => {
      const { examination, clientErrors } = globalThis as unknown as Partial<Left>;
      return { examination: await examination, clientErrors: await clientErrors };
    });
    if (left.examination === undefined) throw new Error(`the page did not run: ${errors.join(", ")}`);
    return left as Left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await this.#server.stop(true);
  }
}

/** The script of a page. */
async function script({ folder, installed }: Project, how: How): Promise<string> {
  const { exports } = await Bun.file(join(installed, "package.json")).json();
  const options: BuildOptions = {
    entryPoints: [join(folder, "page.ts")],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
  };
  if (how === "files") {
    options.plugins = [
      {
        name: "files",
        setup({ onResolve }) {
          onResolve({ filter: /^whereabouts\// }, ({ path }) => {
            const file = exports[path.replace("whereabouts", ".")].default;
            return { path: join("/package", file), external: true };
          });
        },
      },
    ];
  }
  const { outputFiles } = await build(options);
  return outputFiles![0]!.text;
}
