// scripts/setup.ts in a checkout where nothing is installed yet: what it installs, with and without --production.
import { afterAll, expect } from "bun:test";
import { existsSync } from "node:fs";
import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isOfSetUp } from "../support/checkout-copy.ts";
import { testIf } from "../support/needs.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";
import { ROOT, Workplace } from "./workplace.ts";

const workplace = new Workplace();
afterAll(() => workplace[Symbol.asyncDispose]());

/** Bun's cache of packages, without which these tests would need a network. */
const CACHE = Bun.spawnSync([process.execPath, "pm", "cache"], { cwd: ROOT }).stdout.toString().trim();
const hasCache = existsSync(join(CACHE, "assemblyscript")) && existsSync(join(CACHE, "knip"));
const NEEDS_CACHE = "Bun's cache does not have our packages";

/** The files that setup.ts reads. The wasm modules and the page are there already, so that it does not build them. */
const READ = [
  ...["package.json", "bun.lock", "bunfig.toml", "asconfig.json", "asconfig.codec.json", "asconfig.codec-simd.json"],
  ...["assembly", "src/admin/page", "src/admin/transport-text.ts", "src/log/count.ts", "src/xdr/runtime", "build"],
  ...["scripts/setup.ts", "scripts/xdr-runtime.ts"],
];

class Checkout {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Checkout> {
    const folder = await workplace.folder(crypto.randomUUID());
    for (const name of READ) await cp(join(ROOT, name), join(folder, name), { recursive: true, filter: isOfSetUp });
    return new Checkout(folder);
  }

  /** Runs the set-up and returns what it printed to stderr. */
  async setUp(...flags: string[]): Promise<string> {
    const command = [process.execPath, "scripts/setup.ts", ...flags];
    const child = Bun.spawn(command, { cwd: this.folder, stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect({ out, code }, err).toEqual({ out: "", code: 0 });
    return err;
  }

  async packages(): Promise<string[]> {
    const names = await readdir(join(this.folder, "node_modules"));
    return names.filter((name) => !name.startsWith(".")).sort();
  }
}

const PRODUCTION = [
  ...["@logtape", "@opentelemetry", "@peculiar", "ansi-regex", "asn1js", "assemblyscript", "binaryen", "bintrees"],
  ...["commander", "get-east-asian-width", "ipaddr.js", "long", "prom-client", "pvtsutils", "pvutils", "string-width"],
  ...["strip-ansi", "tdigest", "uplot", "whereabouts-assembly", "whereabouts-page"],
];

testIf(hasCache, NEEDS_CACHE)(
  "a production set-up installs the runtime dependencies and the compiler, and a full one the rest",
  async () => {
    const checkout = await Checkout.create();
    expect(await checkout.setUp("--production")).toBe("setup: installing runtime dependencies and the compiler\n");
    expect(await checkout.packages()).toEqual(PRODUCTION);
    expect(await checkout.setUp("--production")).toBe("");
    expect(await checkout.setUp()).toBe("setup: installing all dependencies\n");
    expect(await checkout.packages()).toEqual(expect.arrayContaining([...PRODUCTION, "@as-pect", "typescript"]));
  },
  LONG_LIMIT_MS,
);

testIf(hasCache, NEEDS_CACHE)(
  "a production set-up removes nothing that a full one installed, even when the lock file has changed",
  async () => {
    const checkout = await Checkout.create();
    await checkout.setUp();
    const packages = await checkout.packages();
    expect(await checkout.setUp("--production")).toBe("");
    const lock = join(checkout.folder, "bun.lock");
    await Bun.write(lock, `${await Bun.file(lock).text()}\n`);
    expect(await checkout.setUp("--production")).toBe("setup: installing runtime dependencies and the compiler\n");
    expect(await checkout.packages()).toEqual(packages);
    expect(await checkout.setUp()).toBe("setup: installing all dependencies\n");
  },
  LONG_LIMIT_MS,
);

testIf(hasCache, NEEDS_CACHE)(
  "a production and a full set-up at the same time both succeed, and everything is installed",
  async () => {
    const checkout = await Checkout.create();
    await Promise.all([checkout.setUp("--production"), checkout.setUp(), checkout.setUp("--production")]);
    expect(await checkout.setUp()).toBe("");
    const other = await Checkout.create();
    await other.setUp();
    expect(await checkout.packages()).toEqual(await other.packages());
  },
  LONG_LIMIT_MS,
);

testIf(hasCache, NEEDS_CACHE)(
  "as-pect and the build share one compiler",
  async () => {
    const checkout = await Checkout.create();
    await checkout.setUp();
    const manifests = new Bun.Glob("**/assemblyscript/package.json");
    const found = await Array.fromAsync(manifests.scan({ cwd: checkout.folder, dot: true }));
    expect(found).toEqual(["node_modules/assemblyscript/package.json"]);
  },
  LONG_LIMIT_MS,
);
