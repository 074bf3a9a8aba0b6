// Creating a codec: which backend it gets, where it runs, and when WebAssembly is compiled.
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CODEC_SIMD_WASM, CODEC_WASM } from "../../build/codec-wasm.ts";
import { type Codec, createCodec, PacketFields } from "../../src/codec/index.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, hex, query } from "../support/packets.ts";

const ROOT = join(import.meta.dir, "../..");
const ID = ascii("NODEID");

/** Runs code in a new process and parses its output as JSON. */
function inProcess(code: string, command: readonly string[] = [process.execPath, "-e"]): unknown {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command, code], { cwd: ROOT });
  expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
  return JSON.parse(stdout.toString());
}

/** Code that creates a codec and a batch with each value of `backend` and prints which backends they got, or the error. */
const TRY_ALL = `
  const { createCodec } = await import("./src/codec/index.ts");
  const results = {};
  for (const backend of ["auto", "ts", "wasm"]) {
    try {
      const codec = createCodec({ backend });
      if (codec.decode(codec.encode({ type: "query", nodeId: Uint8Array.of(7) })).nodeId[0] !== 7) throw "wrong";
      const batch = codec.batch({ packets: 1, bytes: 64 });
      batch.fill(codec.encode({ type: "query", nodeId: Uint8Array.of(7) }), [0], [12]);
      if (batch.decode() !== 1 || batch.nodeIdLength[0] !== 1) throw "wrong";
      results[backend] = codec.backend + ", batch: " + batch.backend;
    } catch (error) {
      results[backend] = error.message + " | " + error.cause?.name;
    }
  }
  console.log(JSON.stringify(results));`;

describe("createCodec", () => {
  const backendsOf = (codec: Codec) => [codec.backend, codec.batch({ packets: 1, bytes: 1 }).backend];

  test("uses what is faster by default: ts for single packets and wasm for batches, or else the backend in its options", () => {
    expect(backendsOf(createCodec())).toEqual(["ts", "wasm"]);
    expect(backendsOf(createCodec({}))).toEqual(["ts", "wasm"]);
    expect(backendsOf(createCodec({ backend: "auto" }))).toEqual(["ts", "wasm"]);
    expect(backendsOf(createCodec({ backend: "wasm" }))).toEqual(["wasm", "wasm"]);
    expect(backendsOf(createCodec({ backend: "ts" }))).toEqual(["ts", "ts"]);
  });

  test("throws for an unknown backend", () => {
    expect(() => createCodec({ backend: "js" as never })).toThrow(RangeError);
    expect(() => createCodec({ backend: "js" as never })).toThrow('backend: expected "wasm", "ts" or "auto", got js');
    expect(() => createCodec({ backend: 1 as never })).toThrow(TypeError);
  });

  test("throws a TypeError for options that are not an object, such as only the name of a backend", () => {
    for (const [wrong, kind] of [
      ["ts", "string"],
      [null, "null"],
      [1, "number"],
    ]) {
      expect(() => createCodec(wrong as never)).toThrow(new TypeError(`options: expected an object, got ${kind}`));
    }
    expect(createCodec(undefined).backend).toBe("ts");
  });

  test("throws a TypeError that names a misspelt key and the key that was meant", () => {
    expect(() => createCodec({ bakend: "ts" } as never)).toThrow(
      new TypeError('options has no key "bakend": did you mean "backend"?'),
    );
    expect(() => createCodec({ backend: "ts", language: "ts" } as never)).toThrow('options has no key "language"');
  });

  test.each([
    ["WebAssembly is missing", "delete globalThis.WebAssembly;", "ReferenceError"],
    ["WebAssembly is undefined", "globalThis.WebAssembly = undefined;", "TypeError"],
    [
      "a policy forbids compiling",
      "WebAssembly.Module = function () { throw new WebAssembly.CompileError('Refused to compile by policy'); };",
      "CompileError",
    ],
    [
      "there is no memory for an instance",
      "WebAssembly.Instance = function () { throw new RangeError('Out of memory'); };",
      "RangeError",
    ],
  ])("with auto uses ts if %s, and with wasm throws", (_, prepare, cause) => {
    expect(inProcess(prepare + TRY_ALL)).toEqual({
      auto: "ts, batch: ts",
      ts: "ts, batch: ts",
      wasm: expect.stringMatching(
        new RegExp(`^the wasm codec cannot be loaded here: ask for "ts" or "auto" \\(${cause}: .*\\) \\| ${cause}$`),
      ),
    });
  });

  test.each([
    ["fromBase64", "globalThis.atob = undefined;"],
    ["atob", "Uint8Array.fromBase64 = undefined;"],
  ])("needs only %s to decode the module's base64", (_, prepare) => {
    expect(inProcess(prepare + TRY_ALL)).toEqual({
      auto: "ts, batch: wasm",
      ts: "ts, batch: ts",
      wasm: "wasm, batch: wasm",
    });
  });

  test("uses the module without SIMD where the other one is refused, and it gives the same columns", () => {
    const code = `
      const { Module } = WebAssembly;
      const sizes = [];
      WebAssembly.Module = function (bytes) {
        sizes.push(bytes.length);
        if (sizes.length === 1) throw new WebAssembly.CompileError("no SIMD");
        return new Module(bytes);
      };
      const { createCodec } = await import("./src/codec/index.ts");
      const codec = createCodec();
      const batch = codec.batch({ packets: 8, bytes: 1000 });
      const bytes = codec.encode({ type: "query", nodeId: Uint8Array.of(7) });
      batch.fill(bytes, new Array(8).fill(0), new Array(8).fill(12));
      console.log(JSON.stringify([sizes, batch.backend, batch.decode(), [...batch.nodeIdLength]]));`;
    const sizes = ["codec-simd.wasm", "codec.wasm"].map((file) => Bun.file(join(ROOT, "build", file)).size);
    expect(inProcess(code)).toEqual([sizes, "wasm", 8, new Array(8).fill(1)]);
  });

  test("compiles the module once, when a codec on wasm or a batch first needs it, and creates an instance for each", () => {
    const code = `
      let compiled = 0, instances = 0;
      const { Module, Instance } = WebAssembly;
      WebAssembly.Module = function (bytes) { compiled++; return new Module(bytes); };
      WebAssembly.Instance = function (module) { instances++; return new Instance(module); };
      const { createCodec } = await import("./src/codec/index.ts");
      const seen = [[compiled, instances]];
      createCodec({ backend: "ts" }).batch({ packets: 1, bytes: 64 });
      const codec = createCodec();
      codec.decodeMany([codec.encode({ type: "query", nodeId: Uint8Array.of(7) })]);
      seen.push([compiled, instances]);
      for (let i = 0; i < 3; i++) codec.batch({ packets: 1, bytes: 64 });
      seen.push([compiled, instances]);
      for (let i = 0; i < 2; i++) createCodec({ backend: "wasm" });
      seen.push([compiled, instances]);
      console.log(JSON.stringify(seen));`;
    expect(inProcess(code)).toEqual([
      [0, 0],
      [0, 0],
      [1, 3],
      [1, 5],
    ]);
  });
});

describe("the module", () => {
  let folder: string;
  let bundle: string;

  beforeAll(async () => {
    const built = await Bun.build({ entrypoints: [join(ROOT, "src/codec/index.ts")], target: "browser" });
    const text = await built.outputs[0]!.text();
    folder = mkdtempSync(join(tmpdir(), "whereabouts-codec-"));
    bundle = join(folder, "codec.mjs");
    writeFileSync(bundle, text);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("changes no global object when it is imported", () => {
    const code = `
      const names = () => [globalThis, Uint8Array, Uint8Array.prototype, Error, WebAssembly].map((o) => Reflect.ownKeys(o).length);
      const before = names();
      await import("./src/codec/index.ts");
      console.log(JSON.stringify([before, names()]));`;
    const [before, after] = inProcess(code) as [number[], number[]];
    expect(after).toEqual(before);
  });

  test("is bundled into one file without imports that uses no API of a runtime", async () => {
    const text = await Bun.file(bundle).text();
    expect(new Bun.Transpiler({ loader: "js" }).scanImports(text)).toEqual([]);
    expect(
      text
        .replace(CODEC_WASM, "")
        .replace(CODEC_SIMD_WASM, "")
        .match(/\b(Bun|Buffer|process|require|window|document|Deno)\b\W/g),
    ).toBeNull();
  });

  test.each([
    ["codec.wasm", CODEC_WASM],
    ["codec-simd.wasm", CODEC_SIMD_WASM],
  ])("contains build/%s byte for byte", async (file, text) => {
    expect(text).toBe((await Bun.file(join(ROOT, "build", file)).bytes()).toBase64());
  });

  const ROUND_TRIP = (path: string) => `
    import(${JSON.stringify(path)}).then(({ createCodec }) => {
      const results = ["wasm", "ts", "auto"].map((backend) => {
        const codec = createCodec({ backend });
        const bytes = codec.encode({ type: "announcement", nodeId: Uint8Array.of(78, 79), port: 22000, ip: Uint8Array.of(10, 9, 0, 2) });
        const packet = codec.decode(bytes);
        const result = codec.tryDecode(bytes.subarray(0, 20));
        return [codec.backend, [...packet.nodeId], packet.port, [...packet.ip], result.code, result.offset];
      });
      console.log(JSON.stringify(results));
    });`;
  const RESULTS = ["wasm", "ts", "ts"].map((name) => [name, [78, 79], 22000, [10, 9, 0, 2], "bad-ip-length", 16]);

  testIf(Bun.which("node") !== null, "needs node")("runs in Node", async () => {
    expect(inProcess(ROUND_TRIP(bundle), ["node", "-e"])).toEqual(RESULTS);
  });

  test("runs in an environment with only the language, WebAssembly and atob", () => {
    const code = `
      const kept = /^(\\w*(Error|Array|ArrayBuffer)|DataView|Object|Function|String|Number|Math|Reflect|Symbol|WebAssembly|Promise|atob|console|JSON|globalThis)$/;
      for (const name of Object.getOwnPropertyNames(globalThis)) {
        if (name === "SharedArrayBuffer" || !kept.test(name)) Reflect.deleteProperty(globalThis, name);
      }
      ${ROUND_TRIP(bundle)}`;
    expect(inProcess(code)).toEqual(RESULTS);
  });
});

describe("the wasm backend", () => {
  /** Creates a codec and counts the calls of each function of its module; `size` is the size of the module's memory. */
  function watched(backend: "wasm" | "ts", grow?: () => number) {
    const calls: Record<string, number> = {};
    let memory: WebAssembly.Memory | undefined;
    const { Instance } = WebAssembly;
    const spy = spyOn(WebAssembly, "Instance").mockImplementation(((module: WebAssembly.Module) => {
      const exports = new Instance(module).exports as { readonly memory: WebAssembly.Memory };
      ({ memory } = exports);
      const count = ([name, value]: [string, unknown]) => {
        if (typeof value !== "function") return [name, value];
        const counted = (...args: number[]) => {
          calls[name] = (calls[name] ?? 0) + 1;
          return value(...args);
        };
        return [name, counted];
      };
      const watchedExports = Object.fromEntries(Object.entries(exports).map(count));
      if (grow !== undefined) Object.assign(watchedExports, { memory: { buffer: exports.memory.buffer, grow } });
      return { exports: watchedExports };
    }) as never);
    const codec: Codec = createCodec({ backend });
    spy.mockRestore();
    return { codec, calls, size: () => memory!.buffer.byteLength };
  }

  test("decodes and encodes with functions of the module, and the ts backend does not", () => {
    for (const backend of ["wasm", "ts"] as const) {
      const { codec, calls } = watched(backend);
      const packet = codec.decode(announcement(ID, 22000));
      codec.tryDecode(query(ID));
      codec.decodeInto(query(ID), new PacketFields());
      codec.decodeMany(new Array(100).fill(query(ID)));
      codec.encode(packet);
      codec.encodeMany([packet, { type: "query", nodeId: ID }]);
      codec.encodeInto(packet, new Uint8Array(100));
      expect(calls).toEqual(
        backend === "ts" ? {} : { decode: 3, decodeBatch: 2, encodeAnnouncement: 3, encodeQuery: 1 },
      );
    }
  });

  test("does not grow its memory for any datagram that a socket can receive", () => {
    const { codec, calls, size } = watched("wasm");
    const longest = query(new Uint8Array(65_507 - 8 - 3));
    for (let i = 0; i < 10; i++) codec.decode(longest);
    codec.decodeMany(new Array(300).fill(longest));
    codec.encode(codec.decode(longest));
    expect(calls).toMatchObject({ decode: 11, encodeQuery: 1 });
    expect(size()).toBe(2 * 65_536);
  });

  test("grows its memory for longer packets up to 16 MiB, and uses the ts backend for even longer ones", () => {
    const { codec, calls, size } = watched("wasm");
    codec.decodeMany([query(new Uint8Array(200_000))]);
    expect(calls).toEqual({ decode: 1 });
    expect(size()).toBe(4 * 65_536);
    codec.encode({ type: "query", nodeId: new Uint8Array(400_000) });
    expect(calls).toEqual({ decode: 1, encodeQuery: 1 });
    expect(size()).toBe(7 * 65_536);
    const absurd = query(new Uint8Array(2 ** 24));
    expect(codec.decode(absurd).nodeId.length).toBe(2 ** 24);
    expect(codec.encode({ type: "query", nodeId: absurd.subarray(8) })).toEqual(absurd);
    expect(calls).toEqual({ decode: 1, encodeQuery: 1 });
    expect(size()).toBe(7 * 65_536);
  });

  test("uses the ts backend if the memory cannot grow", () => {
    const { codec, calls } = watched("wasm", () => {
      throw new RangeError("Out of memory");
    });
    const long = query(new Uint8Array(200_000).fill(7));
    expect(hex(codec.encode(codec.decode(long)))).toBe(hex(long));
    expect(codec.decodeMany([query(ID), long, query(ID)])).toEqual([query(ID), long, query(ID)].map(codec.tryDecode));
    expect(calls).toMatchObject({ decodeBatch: 2, decode: 2 });
  });
});
