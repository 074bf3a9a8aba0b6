// The command `whereabouts xdr` as a process: what it writes, its errors and exit codes, and --watch.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { chmod, mkdir, readdir, rename, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileFiles } from "../../src/xdr/compiler/index.ts";
import { describeCommand, OutputLines, run } from "../support/command.ts";
import { testRefusals } from "../support/refusals.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const root = mkdtempSync(join(tmpdir(), "whereabouts-xdr-"));
afterAll(() => rmSync(root, { recursive: true }));

const POINT = "struct point { int x; int y; };\n";
const LINE = '#include "point.x"\nstruct line { point from; point to; string name<MAX>; };\n';

/** A new folder with these files, and the path of one in it. */
async function folderWith(files: { readonly [name: string]: string }) {
  const folder = join(root, crypto.randomUUID());
  await mkdir(folder);
  const path = (name: string) => join(folder, name);
  const write = (name: string, text: string) => Bun.write(path(name), text);
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return { folder, path, write, read: (name: string) => Bun.file(path(name)).text() };
}

describeCommand("whereabouts xdr", ({ run, start }) => {
  test("writes the module that the library makes to standard output, or to the file of -o", async () => {
    const { path, read } = await folderWith({ "point.x": POINT, "line.x": LINE });
    const flags = ["--strings", "bytes", "--hypers=number", "--opaques", "copy", "-D", "MAX=0x10"];
    const module = await compileFiles([path("line.x")], (file) => Bun.file(file).text(), {
      strings: "bytes",
      hypers: "number",
      opaques: "copy",
      defines: { MAX: 16 },
    });
    expect(await run(["xdr", path("line.x"), ...flags])).toEqual({ out: module, err: "", code: 0 });
    const written = await run(["xdr", path("line.x"), ...flags, "-o", path("line.ts")]);
    expect(written).toEqual({ out: "", err: "", code: 0 });
    expect(await read("line.ts")).toBe(module);
  });

  test("replaces a file only if its content changes, keeps its mode and links to it, and leaves nothing else", async () => {
    const { folder, path, write, read } = await folderWith({ "a.x": POINT, "real.ts": "old" });
    await chmod(path("real.ts"), 0o640);
    await symlink("real.ts", path("a.ts"));
    expect(await run(["xdr", path("a.x"), "-o", path("a.ts")])).toEqual({ out: "", err: "", code: 0 });
    const first = await stat(path("real.ts"));
    expect(await read("real.ts")).toContain("export interface point {");
    expect(first.mode & 0o777).toBe(0o640);
    await run(["xdr", path("a.x"), "-o", path("a.ts")]);
    expect(await stat(path("real.ts"))).toMatchObject({ ino: first.ino, mtimeMs: first.mtimeMs });
    await write("a.x", "wrong");
    expect((await run(["xdr", path("a.x"), "-o", path("a.ts")])).code).toBe(1);
    expect(await read("a.ts")).toContain("export interface point {");
    expect((await readdir(folder)).sort()).toEqual(["a.ts", "a.x", "real.ts"]);
  });

  test("reports files that cannot be read or written, and exits with 1", async () => {
    const { folder, path } = await folderWith({ "a.x": POINT, "b.x": '\n#include "none.x"\n' });
    const [missing, included, noFile, noFolder] = await Promise.all([
      run(["xdr", path("none.x")]),
      run(["xdr", path("b.x")]),
      run(["xdr", folder]),
      run(["xdr", path("a.x"), "-o", path("none/a.ts")]),
    ]);
    expect(missing).toEqual({ out: "", err: `${path("none.x")}:1:1: there is no file ${path("none.x")}\n`, code: 1 });
    expect(included.err).toStartWith(`${path("b.x")}:2:1: there is no file ${path("none.x")}\n`);
    expect(noFile).toEqual({ out: "", err: `${folder}:1:1: ${folder} cannot be read: it is a folder\n`, code: 1 });
    expect(noFolder).toMatchObject({ out: "", code: 1 });
    expect(noFolder.err).toMatch(/^whereabouts: error: .*none\/a\.ts cannot be written: no such file or directory\n$/);
  });

  test("--watch compiles again when a file or one that it includes changes, and survives errors", async () => {
    const { path, write, read } = await folderWith({ "point.x": POINT, "line.x": LINE.replace("MAX", "9") });
    await using child = start(["xdr", path("line.x"), "-o", path("line.ts"), "--watch"]);
    const lines = new OutputLines(child.stderr);
    await lines.next(/line\.ts is written$/);
    await write("point.x", POINT.replace("int y", "int z"));
    await lines.next(/line\.ts is written$/);
    expect(await read("line.ts")).toContain("z: number;");
    // As editors write: another file takes the place of the old one.
    await write("new.x", POINT.replace("int y", "itn y"));
    await rename(path("new.x"), path("point.x"));
    await lines.next(/point\.x:1:23: there is no type itn$/);
    await write("point.x", '#include "more.x"\n');
    await lines.next(/there is no file .*more\.x$/);
    await write("more.x", POINT);
    await lines.next(/line\.ts is written$/);
    await write("more.x", `${POINT} // a comment that belongs to nothing`);
    await lines.next(/line\.ts has not changed$/);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });
});

/** Texts and paths, which do not depend on the runtime. */
describe("whereabouts xdr", () => {
  test("writes to standard output for -o -, and takes a file that is given by two paths once", async () => {
    const { folder, path } = await folderWith({ "a.x": POINT, "b.x": '#include "link.x"\nstruct b { point p; };\n' });
    await symlink("a.x", path("link.x"));
    const { out, err, code } = await run(["xdr", path("a.x"), path("b.x"), "-o", "-"]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(out.match(/export interface point \{/g)).toHaveLength(1);
    expect(out).toContain("export interface b {");
    expect((await readdir(folder)).sort()).toEqual(["a.x", "b.x", "link.x"]);
  });

  test("reports where a source is wrong, with the line and a caret, and exits with 1", async () => {
    const { path } = await folderWith({ "a.x": "struct a {\n\tint x; itn y;\n};\nstruct b { \u001b c; };\n" });
    const { out, err, code } = await run(["xdr", path("a.x")]);
    expect({ out, code }).toEqual({ out: "", code: 1 });
    expect(err).toBe(
      `${path("a.x")}:4:12: unexpected character "\\u001b"\n  struct b { \\u{1b} c; };\n             ^\n`,
    );
    const { path: other } = await folderWith({ "a.x": "struct a {\n\tint x; itn y;\n};\n" });
    expect((await run(["xdr", other("a.x")])).err).toBe(
      `${other("a.x")}:2:9: there is no type itn\n  \tint x; itn y;\n  \t       ^\n`,
    );
  });

  test("never replaces a file that it compiles: an included one, or one that -o is a link to", async () => {
    const { path, read } = await folderWith({ "point.x": POINT, "line.x": LINE.replace("MAX", "9") });
    await symlink("line.x", path("link.ts"));
    for (const out of ["point.x", "link.ts"]) {
      const { err, code } = await run(["xdr", path("line.x"), "-o", path(out)]);
      expect(err).toBe(`whereabouts: error: ${path(out)} would be replaced by the code that is made from it\n`);
      expect(code).toBe(1);
    }
    expect(await read("point.x")).toBe(POINT);
    expect(await read("line.x")).toStartWith("#include");
  });
});

testRefusals("xdr", [
  [
    "an unknown kind of strings",
    ["a.x", "--strings", "latin1"],
    "option '--strings <kind>' argument 'latin1' is invalid",
  ],
  ["a definition of a number", ["a.x", "-D", "3=4"], "It must be NAME, or NAME=NUMBER."],
  ["--watch without a file to write", ["a.x", "--watch"], "--watch needs a file to write: give -o FILE"],
  ["--watch with standard output", ["a.x", "-o", "-", "--watch"], "--watch needs a file to write: give -o FILE"],
  ["to write the source", ["a.x", "-o", "./a.x"], "a.x would be replaced by the code that is made from it"],
]);
