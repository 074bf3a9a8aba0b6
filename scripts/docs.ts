/**
 * Builds the site of docs/, with the API reference: `bun run docs`. The packages for it are in site/, with a lock file of their own:
 * typedoc needs an older TypeScript than the project, and nobody else needs them.
 *
 * - `--dev` serves the pages instead, without the API reference, and shows each change of a page at once
 * - `--serve` serves the site when it is built
 * - `--base /PATH/` is for a site that is not served from the root of its host
 * - `--out FOLDER` is where the site goes; default site/dist
 */
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dir, "..");
const site = join(root, "site");

function refuse(why: string): never {
  console.error(`docs: ${why.split("\n")[0]}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      options: {
        dev: { type: "boolean", default: false },
        serve: { type: "boolean", default: false },
        base: { type: "string", default: "/" },
        out: { type: "string", default: join(site, "dist") },
      },
    }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { dev, serve, base, ...folder } = parse();
const out = resolve(folder.out);
if (!/^\/(.*\/)?$/.test(base)) refuse(`--base ${base} must begin and end with a slash`);

/** Runs a command in site/, and ends this program if it fails. */
async function run(what: string, command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { cwd: site, stdio: ["inherit", "inherit", "inherit"] });
  const code = await child.exited;
  if (code === 0) return;
  console.error(`docs: ${what} failed (exit ${code})`);
  process.exit(1);
}

const bun = process.execPath;
const nodeVersion = Bun.which("node") ? Bun.spawnSync(["node", "--version"]).stdout.toString().trim() : "";
/** VitePress needs a third less processor time under Node than under Bun. It supports Node from version 18 on. */
const runtime = Bun.semver.satisfies(nodeVersion, ">=18") ? ["node"] : [bun, "--bun"];
const vitepress = [...runtime, "node_modules/vitepress/bin/vitepress.js"];

await run("bun install", [bun, "install", "--frozen-lockfile", "--silent"]);
if (dev) await run("vitepress", [...vitepress, "dev", ".", "--base", base]);
else {
  await run("vitepress", [...vitepress, "build", ".", "--base", base, "--outDir", out]);
  const typedoc = [bun, "node_modules/typedoc/bin/typedoc", "--logLevel", "Warn"];
  await run("typedoc", [...typedoc, "--out", join(out, "api")]);
  const hint = serve ? "" : ", or with bun run docs --serve";
  console.log(
    `docs: the site is in ${relative(process.cwd(), out) || "."}. Serve it as ${base} with any web server${hint}`,
  );
  if (serve) await run("vitepress", [...vitepress, "preview", ".", "--base", base, "--outDir", out]);
}
