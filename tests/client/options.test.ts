import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Discoverer, type DiscovererOptions, parseServer, type Timings } from "../../src/client/index.ts";

/** Calls without their types, as from plain JavaScript. */
interface Untyped {
  lookup(nodeId: unknown, options?: unknown): Promise<unknown>;
  lookupMany(ids: unknown, options?: unknown): AsyncIterable<unknown>;
  watch(options?: unknown): AsyncIterable<unknown>;
  on(event: unknown, listener?: unknown): () => void;
}

const start = (options: unknown) => Discoverer.start(options as DiscovererOptions);
const OFFLINE = { lan: false, servers: ["127.0.0.1:9"] };

let discoverer: Discoverer;
let untyped: Untyped;
beforeAll(async () => {
  discoverer = await Discoverer.start(OFFLINE);
  untyped = discoverer as unknown as Untyped;
});
afterAll(async () => await discoverer.close());

/** The error of a call, thrown or rejected, as one text. */
async function errorOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return String(error);
  }
  return "no error";
}

describe("a misspelled key is a TypeError that names it and the nearest known key:", () => {
  test.each([
    ["server", { server: ["127.0.0.1"] }, 'options has no key "server": did you mean "servers"?'],
    ["nodeID", { nodeID: "A" }, 'options has no key "nodeID": did you mean "nodeId"?'],
    ["prot", { prot: 1 }, 'options has no key "prot": did you mean "port"?'],
    ["lanport", { lanport: 1 }, 'options has no key "lanport": did you mean "lanPort"?'],
    ["timing", { timing: {} }, 'options has no key "timing": did you mean "timings"?'],
    [
      "adress",
      { adress: "127.0.0.1" },
      'options has no key "adress": known are nodeId, port, servers, group, interfaces, signal, lan, lanPort, timings',
    ],
    [
      "timings.serverIntervall",
      { timings: { serverIntervall: 1 } },
      'timings has no key "serverIntervall": did you mean "serverInterval"?',
    ],
  ])("%s of Discoverer.start", async (_key, options, message) => {
    expect(await errorOf(() => start({ lan: false, ...options }))).toBe(`TypeError: ${message}`);
  });

  const timeuot = 'TypeError: options has no key "timeuot": did you mean "timeout"?';
  test("timeuot of lookup", async () => {
    expect(await errorOf(() => untyped.lookup("A", { timeuot: 1 }))).toBe(timeuot);
  });
  test("timeuot of lookupMany, at the call already", () => {
    expect(() => untyped.lookupMany([], { timeuot: 1 })).toThrow(timeuot.slice(11));
  });
  test("signl of watch", () => {
    expect(() => untyped.watch({ signl: 1 })).toThrow('options has no key "signl": did you mean "signal"?');
  });
});

describe("a value of a wrong type is a TypeError that names the option:", () => {
  test.each([
    ["options", null, "options must be an object, not null"],
    ["options", ["127.0.0.1"], "options must be an object, not an array"],
    ["options", "127.0.0.1", 'options must be an object, not the string "127.0.0.1"'],
    ["nodeId", { nodeId: 5, port: 1 }, "nodeId must be a string or a Uint8Array, not 5"],
    ["nodeId", { nodeId: null }, "nodeId must be a string or a Uint8Array, not null"],
    ["nodeId", { nodeId: ["A"] }, "nodeId must be a string or a Uint8Array, not an array"],
    ["port", { nodeId: "A", port: "22000" }, 'port must be a number, not the string "22000"'],
    ["port", { nodeId: "A", port: null }, "port must be a number, not null"],
    ["port", { nodeId: "A", port: 22000n }, "port must be a number, not the bigint 22000"],
    ["lanPort", { lanPort: "21025" }, 'lanPort must be a number, not the string "21025"'],
    [
      "servers",
      { servers: "127.0.0.1" },
      'servers must be an array of strings, not the string "127.0.0.1": put it in brackets',
    ],
    ["servers", { servers: new Set(["a"]) }, "servers must be an array of strings, not an instance of Set"],
    ["servers", { servers: ["127.0.0.1", { host: "a" }] }, "servers[1] must be a string, not an object"],
    ["lan", { lan: "false" }, 'lan must be true or false, not the string "false"'],
    ["timings", { timings: 5 }, "timings must be an object, not 5"],
    [
      "timings.found",
      { timings: { found: "5" } },
      'timings.found must be a number of milliseconds, not the string "5"',
    ],
  ])("%s of Discoverer.start, case %#", async (_name, options, message) => {
    const isObject = typeof options === "object" && options !== null && !Array.isArray(options);
    const given = isObject ? { lan: false, ...options } : options;
    expect(await errorOf(() => start(given))).toBe(`TypeError: ${message}`);
  });

  test.each([
    [{ timeout: "500" }, 'timeout must be a number of milliseconds, not the string "500"'],
    [{ timeout: null }, "timeout must be a number of milliseconds, not null"],
    [{ signal: {} }, "signal must be an AbortSignal, not an object"],
    [{ signal: null }, "signal must be an AbortSignal, not null"],
    [
      { signal: new AbortController() },
      "signal must be an AbortSignal, not an instance of AbortController: pass its signal",
    ],
    [500, "options must be an object, not 500"],
    [["A"], "options must be an object, not an array"],
    [AbortSignal.abort(), "options must be an object, not an instance of AbortSignal: write { signal }"],
    [null, "options must be an object, not null"],
  ])("options of lookup and lookupMany, case %#", async (options, message) => {
    expect(await errorOf(() => untyped.lookup("A", options))).toBe(`TypeError: ${message}`);
    expect(await errorOf(() => untyped.lookupMany(["A"], options))).toBe(`TypeError: ${message}`);
  });

  test("options of watch", async () => {
    const signal = "signal must be an AbortSignal, not an instance of AbortController: pass its signal";
    expect(await errorOf(() => untyped.watch({ signal: new AbortController() }))).toBe(`TypeError: ${signal}`);
    expect(await errorOf(() => untyped.watch(AbortSignal.abort()))).toEndWith("AbortSignal: write { signal }");
    expect(await errorOf(() => untyped.watch(null))).toBe("TypeError: options must be an object, not null");
  });

  test("the NodeID of lookup, and the NodeIDs of lookupMany", async () => {
    expect(await errorOf(() => untyped.lookup(5))).toBe("TypeError: a NodeID must be a string or a Uint8Array, not 5");
    const takes = "TypeError: lookupMany takes an array or another iterable of NodeIDs, not";
    expect(await errorOf(() => untyped.lookupMany("NODE"))).toBe(`${takes} the string "NODE"`);
    expect(await errorOf(() => untyped.lookupMany(new Uint8Array(3)))).toBe(`${takes} an instance of Uint8Array`);
    expect(await errorOf(() => untyped.lookupMany(undefined))).toBe(`${takes} undefined`);
    expect(await errorOf(() => Array.fromAsync(untyped.lookupMany([5])))).toBe(
      "TypeError: a NodeID must be a string or a Uint8Array, not 5",
    );
  });

  test("the text of parseServer", () => {
    expect(() => parseServer(22025 as unknown as string)).toThrow(
      new TypeError("a server must be a string, not 22025"),
    );
  });
});

test("a number out of range is a RangeError that names the option", async () => {
  expect(await errorOf(() => start({ lanPort: 65_536 }))).toBe(
    "RangeError: lanPort must be a whole number from 1 to 65535, not 65536",
  );
  expect(await errorOf(() => start({ lanPort: 0 }))).toBe(
    "RangeError: lanPort must be a whole number from 1 to 65535, not 0",
  );
  expect(await errorOf(() => start({ lan: false, nodeId: "A", port: 1.5 }))).toBe(
    "RangeError: port must be a whole number from 0 to 65535, not 1.5",
  );
  expect(await errorOf(() => start({ lan: false, timings: { found: 0 } }))).toBe(
    "RangeError: timings.found must be milliseconds above 0, not 0",
  );
  for (const interfaces of [[], [""], ["eth0", ""]]) {
    expect(await errorOf(() => start({ lan: false, interfaces }))).toBe(
      'RangeError: interfaces must be names of network interfaces, such as ["eth0"]: leave it out to use all',
    );
  }
  const timeout = "RangeError: timeout must be milliseconds from 0, not";
  expect(await errorOf(() => untyped.lookup("A", { timeout: -1 }))).toBe(`${timeout} -1`);
  expect(await errorOf(() => untyped.lookupMany(["A"], { timeout: Number.NaN }))).toBe(`${timeout} NaN`);
});

test("an unknown event is a TypeError that names the nearest known one, and a listener must be a function", async () => {
  expect(await errorOf(() => untyped.on("eror", () => {}))).toBe(
    'TypeError: there is no event "eror": did you mean "error"?',
  );
  expect(await errorOf(() => untyped.on("close", () => {}))).toBe(
    'TypeError: there is no event "close": known are node, moved, gone, error, announced, confirmed',
  );
  expect(await errorOf(() => untyped.on("toString", () => {}))).toStartWith('TypeError: there is no event "toString"');
  expect(await errorOf(() => untyped.on(undefined, () => {}))).toStartWith("TypeError: there is no event undefined");
  expect(await errorOf(() => untyped.on("node"))).toBe(
    'TypeError: the listener of "node" must be a function, not undefined',
  );
});

test("a long string is quoted in part", async () => {
  const message = await errorOf(() => start({ servers: "x".repeat(1e6) }));
  expect(message.length).toBeLessThan(200);
});

test("undefined stands for the default of every option", async () => {
  const timings = { found: undefined, lanInterval: undefined } as unknown as Partial<Timings>;
  const all = { nodeId: undefined, port: undefined, servers: undefined, lanPort: undefined };
  await using other = (await start({ ...all, lan: false, timings })) as Discoverer;
  const lookup = (other as unknown as Untyped).lookup("A", { signal: undefined, timeout: undefined });
  expect(lookup).rejects.toThrow("nobody to ask");
  await using third = await start({ lan: false, timings: undefined, servers: ["127.0.0.1:9"] });
  for await (const _ of (third as unknown as Untyped).watch({ signal: AbortSignal.timeout(1) }));
  expect(await Array.fromAsync((third as unknown as Untyped).lookupMany([], undefined))).toEqual([]);
});

test("every value that the types allow is taken", async () => {
  const nodeId = new Uint8Array(Buffer.from("A"));
  const servers = Object.freeze(["127.0.0.1:9", "127.0.0.1:9"]);
  const timings = { found: Number.POSITIVE_INFINITY };
  await using other = await Discoverer.start({ lan: false, nodeId, port: 0, lanPort: 1, servers, timings });
  expect(Object.keys(other.stats().servers)).toEqual(["127.0.0.1:9"]);
  const controller = new AbortController();
  const forever = other.lookup("A", { timeout: Number.POSITIVE_INFINITY, signal: controller.signal });
  // A signal of another library: the methods count, not the class.
  const { signal } = controller;
  const foreign = {
    aborted: false,
    reason: undefined,
    addEventListener: signal.addEventListener.bind(signal),
    removeEventListener: signal.removeEventListener.bind(signal),
    throwIfAborted() {},
  } as unknown as AbortSignal;
  const stream = Array.fromAsync(other.watch({ signal: foreign }));
  controller.abort(new Error("cancelled"));
  expect(await errorOf(() => forever)).toBe("Error: cancelled");
  expect(await stream).toEqual([]);
});

test("an instance of a class with getters is an options object too", async () => {
  class Options {
    get servers(): readonly string[] {
      return ["127.0.0.1:9"];
    }
    get lan(): boolean {
      return false;
    }
  }
  await using other = await Discoverer.start(new Options());
  expect(Object.keys(other.stats().servers)).toEqual(["127.0.0.1:9"]);
});
