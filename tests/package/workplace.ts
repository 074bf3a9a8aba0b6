/**
 * The package as users get it: packed by npm, then installed by npm and by Bun into empty folders. Its dependencies are
 * packed from node_modules, so that this needs no network.
 */
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATH } from "../support/node.ts";

export const ROOT = join(import.meta.dir, "../..");
export const hasNpm = ["npm", "node"].every((name) => Bun.which(name, { PATH }) !== null);
export const NEEDS_NPM = "needs npm and node";

/** Nothing listens there. Bun has no offline flag, so this keeps it from downloading packages. */
const NO_REGISTRY = "http://127.0.0.1:9";

export interface Packed {
  readonly name: string;
  readonly tarball: string;
  /** Paths of the files in it. */
  readonly files: readonly string[];
}

/** A project with the package in its node_modules and copies of the programs that tests run there. */
export interface Project {
  readonly folder: string;
  /** The package's folder. */
  readonly installed: string;
}

const PROGRAMS = [
  "vectors.ts",
  "program.ts",
  "page.ts",
  "peers.ts",
  ...["portable.ts", "client.ts", "bun.ts", "server.ts"].map((name) => `types/${name}`),
];

/** Calls `make` on the first call only, and returns the same promise from then on. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** The tarballs that test files share, and the list of what is in them. */
const SHARED = join(ROOT, "build", "tarballs");
interface Tarballs {
  readonly packed: Packed;
  /** The runtime dependencies and what they depend on, in the versions that this checkout has. */
  readonly dependencies: readonly Packed[];
}

/** Everything that the package consists of or is built from, and the lock file, which names the versions of the dependencies. */
const SOURCES = "{*,{assembly,bin,docs,scripts,src}/**,build/*.{wasm,ts}}";

async function digestOfSources(): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const file of (await Array.fromAsync(new Bun.Glob(SOURCES).scan(ROOT))).sort()) {
    hasher.update(`${file}\0`);
    hasher.update(await Bun.file(join(ROOT, file)).bytes());
  }
  return hasher.digest("hex");
}

/** The folders in node_modules of the runtime dependencies, and of what they depend on. */
async function foldersOfDependencies(): Promise<ReadonlySet<string>> {
  const folders = new Set<string>();
  const collect = async (folder: string): Promise<void> => {
    const { dependencies = {} } = await Bun.file(join(folder, "package.json")).json();
    for (const name of Object.keys(dependencies)) {
      const next = join(ROOT, "node_modules", name);
      if (folders.has(next)) continue;
      folders.add(next);
      await collect(next);
    }
  };
  await collect(ROOT);
  return folders;
}

/** Temporary folders of one test file. Each project is created on first use. */
export class Workplace implements AsyncDisposable {
  readonly #folder = once(async () => {
    const folder = await mkdtemp(join(tmpdir(), "whereabouts-package-"));
    // Tests, the prepack script and the installed command look for `bun` or `bunx` on the PATH. These links lead to the Bun
    // that runs the tests.
    await mkdir(join(folder, "bin"));
    for (const name of ["bun", "bunx"]) await symlink(process.execPath, join(folder, "bin", name));
    return folder;
  });

  /** All test files share these until a source changes. */
  readonly #tarballs = once(async (): Promise<Tarballs> => {
    const list = Bun.file(join(SHARED, `${await digestOfSources()}.json`));
    if (await list.exists()) return await list.json();
    await rm(SHARED, { recursive: true, force: true });
    await mkdir(SHARED, { recursive: true });
    const [packed] = await this.#pack(["--foreground-scripts=false"]);
    const dependencies = await this.#pack(["--ignore-scripts", ...(await foldersOfDependencies())]);
    const tarballs = { packed: packed!, dependencies };
    await Bun.write(list, JSON.stringify(tarballs));
    return tarballs;
  });

  /** The tarball of this checkout, by `npm pack`, which builds dist/ first. */
  async packed(): Promise<Packed> {
    return (await this.#tarballs()).packed;
  }

  readonly npmProject = once(async () => {
    const folder = await this.folder("npm");
    const options = ["--prefix", folder, "--offline", "--no-audit", "--no-fund"];
    const tarballs = (await this.#tarballs()).dependencies.map(({ tarball }) => tarball);
    return this.#install(folder, ["npm", "install", ...options, ...tarballs]);
  });

  readonly bunProject = once(async () => {
    const folder = await this.folder("bun");
    // Unlike npm, Bun asks the registry for the dependencies of a package even if the project has them already.
    const overrides = Object.fromEntries(
      (await this.#tarballs()).dependencies.map(({ name, tarball }) => [name, `file:${tarball}`]),
    );
    await Bun.write(join(folder, "package.json"), JSON.stringify({ overrides }));
    return this.#install(folder, ["bun", "add", "--registry", NO_REGISTRY]);
  });

  /** An empty folder. */
  async folder(name: string): Promise<string> {
    const folder = join(await this.#folder(), name);
    await mkdir(folder);
    return folder;
  }

  /** Creates a folder for a PATH, with links to these programs only. `bun` is the Bun that runs the tests. */
  async tools(names: readonly string[]): Promise<string> {
    const folder = await this.folder(crypto.randomUUID());
    const { PATH } = await this.environment();
    for (const name of names) await symlink(Bun.which(name, { PATH })!, join(folder, name));
    return folder;
  }

  /** An environment in which `bun` is the Bun that runs the tests. */
  async environment() {
    return { ...Bun.env, PATH: `${join(await this.#folder(), "bin")}:${PATH}`, NO_COLOR: "1" };
  }

  /**
   * Runs a command to its end. Returns its standard output.
   *
   * @throws {Error} if it exits with another code than 0
   */
  async output(command: readonly string[], cwd: string): Promise<string> {
    const env = await this.environment();
    // Bun.spawn does not look for the program on the PATH of `env`, so pass its full path.
    const [name = "", ...args] = command;
    const program = Bun.which(name, { PATH: env.PATH, cwd }) ?? name;
    const child = Bun.spawn([program, ...args], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    if (code !== 0) throw new Error(`${command.join(" ")}: exit ${code}\n${out}${err}`);
    return out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(await this.#folder(), { recursive: true });
  }

  async #pack(args: readonly string[]): Promise<Packed[]> {
    const command = ["npm", "pack", "--json", "--pack-destination", SHARED, ...args];
    const results: { name: string; filename: string; files: { path: string }[] }[] = JSON.parse(
      await this.output(command, ROOT),
    );
    return results.map(({ name, filename, files }) => ({
      name,
      tarball: join(SHARED, filename),
      files: files.map(({ path }) => path),
    }));
  }

  async #install(folder: string, command: readonly string[]): Promise<Project> {
    await this.output([...command, (await this.packed()).tarball], folder);
    for (const name of PROGRAMS) await cp(join(import.meta.dir, name), join(folder, name));
    return { folder, installed: join(folder, "node_modules", "whereabouts") };
  }
}

/** The paths of all files in tests/vectors, sorted. */
export async function vectorFiles(): Promise<string[]> {
  const folder = join(ROOT, "tests", "vectors");
  const names = await Array.fromAsync(new Bun.Glob("*.jsonl").scan({ cwd: folder }));
  return names.sort().map((name) => join(folder, name));
}
