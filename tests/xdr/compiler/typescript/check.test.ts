// Generated modules pass the strictest checks of TypeScript, and biome's recommended rules.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CompileOptions, compile, compileFiles, parseFilesSync } from "../../../../src/xdr/compiler/index.ts";
import { TEST_LIMIT_MS } from "../../../support/time-limits.ts";
import { largeSchema } from "../large-schema.ts";
import { NAMES, SMALL } from "./sources.ts";

const ROOT = join(import.meta.dir, "../../../..");
const OPTIONS = {
  target: "ES2022",
  lib: ["ES2022", "DOM"],
  types: [],
  module: "ESNext",
  moduleResolution: "bundler",
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
};

const folder = mkdtempSync(join(tmpdir(), "whereabouts-generated-"));
afterAll(() => rmSync(folder, { recursive: true }));

const large = largeSchema();
const EXAMPLES = ["nfs3/nfs.x", "nfs3/rpc.x", "sflow/datagram.x", "sflow/counters.x", "stellar/transaction.x"];
const OTHER_OPTIONS: readonly CompileOptions[] = [
  { strings: "bytes", hypers: "number", opaques: "copy" },
  { strings: "either", opaques: "copy" },
  { strings: "either" },
];

/** Uses of the types of the small schema. The comments expect errors. */
const USES = `
import { answer, file, filekind, filetype, type folder, XdrError, type XdrCodec } from "./small.ts";
const codec: XdrCodec<folder[number]> = file;
const type: filetype = { kind: filekind.EXEC, interpretor: "lisp" };
const kind: filekind = filekind.decode(filekind.encode(filekind.TEXT));
const names: "TEXT" | "DATA" | "EXEC" | undefined = filekind.nameOf(kind);
// @ts-expect-error an arm without its field
filetype.encode({ kind: filekind.DATA });
// @ts-expect-error not a member
filekind.encode(3);
// @ts-expect-error a field is missing
file.encode({ filename: "a" });
// @ts-expect-error bytes for text
answer.encode({ status: 7, error: new Uint8Array(1) });
export function interpretor(value: filetype): string | undefined {
  switch (value.kind) {
    case filekind.TEXT:
      return undefined;
    case filekind.DATA:
      return value.creator;
    case filekind.EXEC:
      return value.interpretor;
  }
}
const result = file.tryDecode(new Uint8Array(4));
export const used = [codec, type, names, result.ok ? result.value.next?.filename : result.code, XdrError];
`;

await Promise.all([
  Bun.write(join(folder, "large.ts"), compile(parseFilesSync(Object.keys(large), (file) => large[file]))),
  Bun.write(join(folder, "small.ts"), compile(parseFilesSync(["small.x"], () => SMALL))),
  Bun.write(join(folder, "uses.ts"), USES),
  Bun.write(join(folder, "names.ts"), compile(parseFilesSync(["names.x"], () => NAMES))),
  Bun.write(join(folder, "constants.ts"), compile(parseFilesSync(["constants.x"], () => "const A = 5;"))),
  ...OTHER_OPTIONS.map((options, i) =>
    Bun.write(
      join(folder, `small${i}.ts`),
      compile(
        parseFilesSync(["small.x"], () => SMALL),
        options,
      ),
    ),
  ),
  ...EXAMPLES.map(async (file) => {
    const text = await compileFiles([join(ROOT, "examples", file)], (path) => Bun.file(path).text());
    await Bun.write(join(folder, file.replace(/.*\/(.*)\.x$/, "example-$1.ts")), text);
  }),
  Bun.write(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...OPTIONS, allowImportingTsExtensions: true }, include: ["*.ts"] }),
  ),
  // The module of the large schema is larger than what biome reads by default.
  Bun.write(join(folder, "biome.json"), JSON.stringify({ root: true, files: { maxSize: 8_000_000 } })),
]);

async function output(...args: string[]): Promise<{ out: string; code: number }> {
  const child = Bun.spawn([process.execPath, ...args], { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out: out + err, code };
}

// Both run at the same time.
const checked = output(join(ROOT, "node_modules/typescript/bin/tsc"), "-p", ".");
const linted = output(join(ROOT, "node_modules/@biomejs/biome/bin/biome"), "lint", ".");

test(
  "TypeScript finds no error in them, with all of its strict checks, also in a schema of 400 types",
  async () => {
    expect(await checked).toEqual({ out: "", code: 0 });
  },
  TEST_LIMIT_MS,
);

test(
  "biome finds nothing in them",
  async () => {
    const { out, code } = await linted;
    expect(code, out).toBe(0);
    expect(out).toMatch(/^Checked 1[0-9] files in \S+ No fixes applied\.\n$/);
  },
  TEST_LIMIT_MS,
);
