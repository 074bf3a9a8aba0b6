/**
 * Sets up a checkout: installs what the lock file names and builds the wasm modules, each only when it is out of date.
 * Runs before every script that needs it, so it says nothing when there is nothing to do, and what it says goes to stderr.
 */
import { existsSync, rmSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const installed = join(root, "node_modules", ".whereabouts");
const built = join(root, "build");

async function digest(files: readonly string[]): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const file of files) {
    hasher.update(`${file}\0`);
    hasher.update(await Bun.file(join(root, file)).bytes());
  }
  return hasher.digest("hex");
}

async function upToDate(stamp: string, wanted: string): Promise<boolean> {
  const file = Bun.file(stamp);
  return (await file.exists()) && (await file.text()) === wanted;
}

async function run(what: string, command: readonly string[]): Promise<void> {
  const child = Bun.spawn([process.execPath, ...command], { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) {
    console.error(`${out}${err}setup: ${what} failed (exit ${code})`);
    process.exit(1);
  }
}

async function install(): Promise<void> {
  const wanted = await digest(["package.json", "bun.lock"]);
  if (await upToDate(installed, wanted)) return;
  console.error("setup: installing dependencies");
  await run("bun install", ["install", "--frozen-lockfile"]);
  await Bun.write(installed, wanted);
}

/** Each binary has a config of its own, since asc adds the entries of all it is given. */
const BINARIES = [
  ["engine", "asconfig.json"],
  ["codec", "asconfig.codec.json"],
] as const;

const OUTPUTS = [...BINARIES.flatMap(([name]) => [`${name}.wasm`, `${name}.wat`]), "codec-wasm.ts"];

async function build(): Promise<void> {
  const sources = (await readdir(join(root, "assembly"))).filter((file) => file.endsWith(".ts")).sort();
  const wanted = await digest([
    "scripts/setup.ts",
    "node_modules/assemblyscript/package.json",
    ...BINARIES.map(([, config]) => config),
    ...sources.map((file) => `assembly/${file}`),
  ]);
  if (OUTPUTS.every((file) => existsSync(join(built, file))) && (await upToDate(join(built, "stamp"), wanted))) return;
  console.error("setup: building the wasm modules");
  // Built aside and moved, so that a build that is cut short, or one beside it, leaves no half of a module.
  const aside = join(root, `build.${process.pid}`);
  await mkdir(aside, { recursive: true });
  process.on("exit", () => rmSync(aside, { recursive: true, force: true }));
  await Promise.all(
    BINARIES.map(([name, config]) => {
      const output = ["--outFile", join(aside, `${name}.wasm`), "--textFile", join(aside, `${name}.wat`)];
      return run(`asc of ${name}`, ["node_modules/assemblyscript/bin/asc.js", "--config", config, ...output]);
    }),
  );
  const codec = await Bun.file(join(aside, "codec.wasm")).bytes();
  await Bun.write(
    join(aside, "codec-wasm.ts"),
    `/** codec.wasm, generated: a module that imports it needs no file and no request. */\nexport const CODEC_WASM = "${codec.toBase64()}";\n`,
  );
  await Bun.write(join(aside, "stamp"), wanted);
  await rm(built, { recursive: true, force: true });
  try {
    await rename(aside, built);
  } catch (error) {
    // Another setup was faster; what it built is as good.
    if (!(await upToDate(join(built, "stamp"), wanted))) throw error;
  }
}

await install();
await build();
