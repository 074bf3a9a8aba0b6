/** `whereabouts xdr`: compiles files of the XDR language to TypeScript. */
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import type { CompileOptions, ParseOptions } from "../xdr/compiler/index.ts";
import { errorText, failOnStreamError } from "./errors.ts";
import { print, printError, untilSignal } from "./terminal/output.ts";
import { visible } from "./terminal/style.ts";
import { changed, type Fingerprints, fingerprint } from "./xdr/changes.ts";
import { replaceFile } from "./xdr/replace-file.ts";

const HELP = `
The files are of the XDR language (RFC 4506), also with what rpcgen and Stellar add: programs, lines with %, #include, #ifdef
and #define, namespaces. Definitions of all files, and of those that they include, go to one module of TypeScript. It imports
nothing. For each type it exports the TypeScript type and a codec, both of the name in the source:
  const file = File.decode(bytes);
  const bytes = File.encode({ name: "sillyprog", kind: Filekind.EXEC });
With -o the file is replaced at once, and only if its content changes.

Exit code 0: the module was written; of --watch: a signal stopped it. 1: the source is wrong, or a file cannot be read or
written. 2: wrong use. What is wrong with the source is reported as FILE:LINE:COLUMN: REASON.

Examples:
  whereabouts xdr nfs.x -o nfs.ts
  whereabouts xdr transaction.x --strings bytes -o transaction.ts
  whereabouts xdr protocol.x -D MAX_NAME=255 -o protocol.ts --watch
  whereabouts xdr types.x rpc.x | less`;

interface Flags extends CompileOptions, ParseOptions {
  readonly out?: string;
  readonly define?: { readonly [name: string]: number | bigint | true };
  readonly watch?: true;
}

export function xdrCommand(): Command {
  return new Command("xdr")
    .description("Compile files of the XDR language (.x) to TypeScript.")
    .argument("<file...>", "the files")
    .addOption(new Option("-o, --out <file>", "the file to write; default, or -: standard output"))
    .addOption(
      new Option("--strings <kind>", 'what strings are; "either": text if they are UTF-8, else bytes')
        .choices(["text", "bytes", "either"])
        .default("text"),
    )
    .addOption(
      new Option("--hypers <kind>", 'what hypers are; "number": those beyond 2^53 are refused')
        .choices(["bigint", "number"])
        .default("bigint"),
    )
    .addOption(
      new Option(
        "--opaques <kind>",
        'what decoded opaque data are; "view": of the input, or a copy where that is faster',
      )
        .choices(["view", "copy"])
        .default("view"),
    )
    .addOption(
      new Option("-D, --define <name[=number]>", "define a name, as for a C compiler; may be repeated").argParser(
        define,
      ),
    )
    .addOption(new Option("--watch", "compile again whenever one of the files changes, until a signal stops it"))
    .addHelpText("after", HELP)
    .action(compileCommand);
}

/** Adds a definition to those of earlier flags: `NAME` or `NAME=NUMBER`. */
function define(text: string, before: Flags["define"] = {}): Flags["define"] {
  const [, name, number] = /^([A-Za-z_]\w*)(?:=(-?(?:0[xX][0-9a-fA-F]+|\d+)))?$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It must be NAME, or NAME=NUMBER.");
  if (number === undefined) return { ...before, [name]: true };
  // BigInt takes no sign before 0x.
  const value = BigInt(number.replace("-", ""));
  return { ...before, [name]: number.startsWith("-") ? -value : value };
}

async function compileCommand(files: readonly string[], flags: Flags, command: Command): Promise<void> {
  const { watch } = flags;
  const out = flags.out === "-" ? undefined : flags.out;
  if (watch && out === undefined) command.error("error: --watch needs a file to write: give -o FILE", { exitCode: 2 });
  if (out !== undefined && files.some((file) => resolve(file) === resolve(out))) {
    command.error(`error: ${visible(out)} would be replaced by the code that is made from it`, { exitCode: 2 });
  }
  if (watch && out !== undefined) {
    await compileOnChanges(files, flags, out);
    return;
  }
  const read: Fingerprints = new Map();
  const module = await compileOnce(files, flags, read);
  if (module === undefined) {
    process.exitCode = 1;
  } else if (out === undefined) {
    await print(module).catch((error) => failOnStreamError(error, command));
  } else if ((await write(out, module, read)) === undefined) {
    process.exitCode = 1;
  }
}

/** Compiles whenever a file changes. Errors are reported, and end nothing. */
async function compileOnChanges(files: readonly string[], flags: Flags, out: string): Promise<void> {
  let stopped = false;
  const stop = untilSignal().then(() => {
    stopped = true;
  });
  while (!stopped) {
    const read: Fingerprints = new Map();
    const module = await compileOnce(files, flags, read);
    const written = module === undefined ? undefined : await write(out, module, read);
    if (written !== undefined) printError(`${visible(out)} ${written ? "is written" : "has not changed"}`);
    await changed(read, stop);
  }
}

/**
 * Compiles files. Reports errors to standard error.
 *
 * @param read - gets the files that were read or missing
 */
async function compileOnce(
  files: readonly string[],
  { strings, hypers, opaques, define }: Flags,
  read: Fingerprints,
): Promise<string | undefined> {
  const seen = new Set<string>();
  const readText = async (file: string): Promise<string | undefined> => {
    // Before the file is read: a change in between is then seen as one.
    read.set(file, await fingerprint(file));
    const identity = await identityOf(file);
    // The same file by another path: its definitions are there already.
    if (identity !== undefined && seen.has(identity)) return "";
    if (identity !== undefined) seen.add(identity);
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new Error(errorText(error as Error));
    }
  };
  // Only now: the other commands need not wait for the compiler to load.
  const { compileFiles, XdrCompileError } = await import("../xdr/compiler/index.ts");
  const options = { strings, hypers, opaques, defines: define };
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  try {
    return await compileFiles(files, readText, given);
  } catch (error) {
    if (!(error instanceof XdrCompileError)) throw error;
    // A caret points into the line above, so tabs must stay.
    for (const line of error.message.split("\n")) printError(line.split("\t").map(visible).join("\t"));
    return undefined;
  }
}

/**
 * Writes the module. Returns whether the file changed, or reports why it cannot and returns undefined.
 *
 * @param read - the files that the module is made from
 */
async function write(out: string, module: string, read: Fingerprints): Promise<boolean | undefined> {
  try {
    if (await isOneOf(read.keys(), out)) {
      printError(`whereabouts: error: ${visible(out)} would be replaced by the code that is made from it`);
      return undefined;
    }
    return await replaceFile(out, module);
  } catch (error) {
    printError(`whereabouts: error: ${visible(out)} cannot be written: ${errorText(error as Error)}`);
    return undefined;
  }
}

/** Whether a path leads to one of the files, also through links. */
async function isOneOf(files: Iterable<string>, path: string): Promise<boolean> {
  const own = await identityOf(path);
  if (own === undefined) return false;
  for (const file of files) if ((await identityOf(file)) === own) return true;
  return false;
}

/** The same for all paths that lead to one file; undefined if it is not a regular file. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found?.isFile() ? `${found.dev} ${found.ino}` : undefined;
}
