import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CompileOptions, compile, parseFilesSync } from "../../../../src/xdr/compiler/index.ts";
import type { XdrCodec } from "../../../../src/xdr/runtime/codec.ts";

export type AnyCodec = XdrCodec<unknown>;

/** What a generated module exports. The tests know the names, not the types. */
// biome-ignore lint/suspicious/noExplicitAny: the types are those of the schema
export type Generated = { readonly [name: string]: any };

/** Compiles a schema of one file. */
export function compiled(source: string, options?: CompileOptions): string {
  return compile(
    parseFilesSync(["a.x"], () => source),
    options,
  );
}

/** Compiles a schema, and runs the module. */
export function evaluated(source: string, options?: CompileOptions): Promise<Generated> {
  return imported(compiled(source, options));
}

/** Runs a module. */
export async function imported(module: string): Promise<Generated> {
  const folder = await mkdtemp(join(tmpdir(), "xdr-compiler-"));
  try {
    const file = join(folder, "module.ts");
    await Bun.write(file, module);
    return await import(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}
