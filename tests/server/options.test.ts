import { describe, expect, test } from "bun:test";
import { DiscoveryServer, defaultServerOptions, parseNetwork, type ServerOptions } from "../../src/server/index.ts";
import { checkOptions, resolveOptions } from "../../src/server/resolve.ts";

/** The error for options as JavaScript programs may pass them. */
function errorFor(options: object): Error & { option?: string } {
  try {
    resolveOptions(options as Partial<ServerOptions>);
  } catch (error) {
    return error as Error;
  }
  throw new Error(`no error for ${Bun.inspect(options)}`);
}

describe("an unknown key of the options", () => {
  test.each([
    ["sourcerate", 'options has no key "sourcerate": did you mean "sourceRate"?'],
    ["hots", 'options has no key "hots": did you mean "host"?'],
    ["maxIDLength", 'options has no key "maxIDLength": did you mean "maxIdLength"?'],
    ["toString", 'options has no key "toString": known are host, port, '],
  ])("%s is a TypeError that names the nearest key", async (key, message) => {
    const start = DiscoveryServer.start({ [key]: undefined } as Partial<ServerOptions>);
    await expect(start).rejects.toThrow(TypeError);
    await expect(start).rejects.toThrow(message);
  });

  test.each([[null], [[]], ["127.0.0.1"], [22025]])("%p in place of the options is a TypeError", (options) => {
    expect(errorFor(options as object)).toBeInstanceOf(TypeError);
    expect(errorFor(options as object).message).toStartWith("options must be an object, not ");
  });
});

/** For each option: values of a wrong kind, values out of range, and what the message must say. */
const WRONG: Record<keyof ServerOptions, { kinds: unknown[]; values: unknown[]; expected: string }> = {
  host: {
    kinds: [null, 1, { host: "::" }, [1], ["::", ["::1"]]],
    values: ["", "127.0.0.1:80", "[::1]:80", ["::", ""], ["::", "127.0.0.1:80"]],
    expected: "an address or a name",
  },
  port: {
    kinds: ["22025", null, true],
    values: [-1, 65_536, 1.5, Number.NaN],
    expected: "a whole number from 0 to 65535",
  },
  sharePort: { kinds: ["yes", 1, null], values: [], expected: "true or false" },
  // Descriptor 0 is standard input.
  sockets: { kinds: [3, null, ["3"]], values: [[-1], [1.5], [0]], expected: "" },
  workers: {
    kinds: ["2", "AUTO", null],
    values: [0, 257, 1.5],
    expected: 'a whole number from 1 to 256 or "auto"',
  },
  transport: { kinds: [null, 1], values: ["tcp"], expected: 'must be "udp", "mmsg" or "xdp"' },
  interface: {
    kinds: [null, 1, ["eth0"]],
    values: ["", "eth 0", "eth0:1", "../eth0", "eth0\0", "a-name-of-16-chr", "ä".repeat(8)],
    expected: "must be the name of a network interface, such as eth0",
  },
  fallback: { kinds: ["no", 0, null], values: [], expected: "true or false" },
  coalesce: {
    kinds: ["100", null],
    values: [-1, 0.5, 100_001],
    expected: 'a whole number from 0 to 100000 or "auto"',
  },
  receiveBuffer: { kinds: ["8M", null], values: [0, 0.5, 2 ** 30], expected: "a whole number from 1 to 1073741823" },
  engine: { kinds: [null, 1, ["wasm", 3]], values: ["go", ["ts", "go"]], expected: '"wasm" or "ts"' },
  capacity: { kinds: ["1000", null, 10n], values: [0, 1.5, 2 ** 33], expected: "a whole number from 1 to 4294967296" },
  maxIdLength: { kinds: ["64", null], values: [0, 1009], expected: "a whole number from 1 to 1008" },
  retention: {
    kinds: ["60", null, Symbol("s")],
    values: [0, -1, 1e10, Number.NaN],
    expected: "a number of seconds above 0",
  },
  sourceRate: {
    kinds: ["1", null, {}],
    values: [-1, 1e14, 1e-7],
    expected: "0 or a number from 0.000001 to 1000000000",
  },
  sourceBurst: { kinds: ["1", null], values: [0, 1e14], expected: "a number from 1 to 1000000000" },
  nodeRate: { kinds: ["1", null], values: [-1, 1e14], expected: "0 or a number from 0.000001 to 1000000000" },
  nodeBurst: { kinds: ["1", null], values: [0.5, 1e14], expected: "a number from 1 to 1000000000" },
  newRate: { kinds: ["1", null], values: [-1, 1e14], expected: "0 or a number from 0.000001 to 1000000000" },
  newBurst: { kinds: ["1", null], values: [0, Number.NaN], expected: "a number from 1 to 1000000000" },
  allow: {
    kinds: ["10.0.0.0/8", null, { address: new Uint8Array(16), prefix: 8 }, [8], [null], [{}], [new Uint8Array(16)]],
    values: [["10/8"], ["10.0.0.0/33"], [{ address: new Uint8Array(16), prefix: 129 }]],
    expected: "",
  },
  limitDryRun: { kinds: ["yes", 1, null], values: [], expected: "true or false" },
  journal: { kinds: [null, 1, new URL("redis://127.0.0.1")], values: ["", "mysql://x", "redis://"], expected: "" },
  journalPrefix: { kinds: [null, 1], values: ["", "a b", "x".repeat(101)], expected: "" },
  https: {
    kinds: [null, 8443],
    values: ["", "on", ":8443", "::1:8443", "[::1]", "127.0.0.1:65536", "https://127.0.0.1:8443"],
    expected: "HOST:PORT, such as 0.0.0.0:8443 or [::]:8443, or off",
  },
  httpsCert: { kinds: [null, new Uint8Array(1)], values: [""], expected: "must be the path of a file" },
  httpsKey: { kinds: [null, 1], values: [""], expected: "must be the path of a file" },
  // The last value needs trustProxy.
  http: { kinds: [null, 8080], values: ["", "127.0.0.1", "127.0.0.1:8080"], expected: "" },
  trustProxy: { kinds: ["10.0.0.0/8", null, [8]], values: [["10/8"], ["10.0.0.0/33"]], expected: "" },
  proxyHeader: {
    kinds: [null, 1, []],
    values: ["", "X Cert", "X:"],
    expected: "the name of a header, such as X-Ssl-Cert",
  },
  httpsUnverified: { kinds: ["yes", 1, null], values: [], expected: "true or false" },
  httpsCapacity: {
    kinds: ["1000", null],
    values: [0, 1.5, 5_000_001],
    expected: "a whole number from 1 to 5000000",
  },
};

test("https and http cannot have the same port, unless on different addresses", () => {
  const check = (https: string, http: string) => checkOptions({ https, http, trustProxy: ["127.0.0.1"] });
  for (const [https, http] of [
    ["127.0.0.1:8443", "127.0.0.1:8443"],
    ["0.0.0.0:8443", "127.0.0.1:8443"],
    ["192.0.2.1:8443", "[::]:8443"],
  ] as const) {
    expect(() => check(https, http)).toThrow("http needs another port than https, which has 8443 already");
  }
  check("192.0.2.1:8443", "127.0.0.1:8443");
  check("0.0.0.0:8443", "127.0.0.1:8080");
  check("127.0.0.1:0", "127.0.0.1:0");
});

describe("a wrong value of an option is an error that names the option and what is expected:", () => {
  test("every option is in the table of this test", () => {
    expect(Object.keys(WRONG).sort()).toEqual(Object.keys(defaultServerOptions()).sort());
  });

  for (const [option, { kinds, values, expected }] of Object.entries(WRONG)) {
    test(option, () => {
      for (const [list, Kind] of [
        [kinds, TypeError],
        [values, RangeError],
      ] as const) {
        for (const value of list) {
          const error = errorFor({ [option]: value });
          expect(error).toBeInstanceOf(Kind);
          expect(error).toMatchObject({ option });
          expect(error.message).toMatch(new RegExp(`^${option}\\b`));
          expect(error.message).toContain(expected);
          expect(error.message).not.toContain("\n");
        }
      }
    });
  }

  test("a string in place of a number is called a string", () => {
    expect(errorFor({ workers: "2" }).message).toBe(
      'workers must be a whole number from 1 to 256 or "auto", not the string "2"',
    );
    expect(errorFor({ allow: "10.0.0.0/8" }).message).toBe(
      'allow must be an array of networks, such as ["192.0.2.0/24"], not the string "10.0.0.0/8"',
    );
    expect(errorFor({ allow: ["::1", "10/8"] }).message).toBe(
      'allow has an invalid element at index 1: "10/8" is no network: write 192.0.2.0/24, 2001:db8::/32 or a single address',
    );
    expect(errorFor({ allow: [{ address: new Uint8Array(16), prefx: 8 }] }).message).toBe(
      'allow has an invalid element at index 0: a network has no key "prefx": did you mean "prefix"?',
    );
  });
});

describe("resolved options", () => {
  test("have the default for what is left out or undefined", () => {
    const resolved = resolveOptions({ capacity: undefined as unknown as number, port: 0 });
    expect(resolved).toEqual({
      ...defaultServerOptions(),
      port: 0,
      workers: resolved.workers,
      coalesce: 0,
      allow: [],
      trustProxy: [],
    });
    expect(resolved.workers).toBeGreaterThan(0);
  });

  test("have networks parsed, and own copies of those that were parsed already", () => {
    const parsed = { address: parseNetwork("2001:db8::").address, prefix: 32 };
    const { allow } = resolveOptions({ allow: ["192.0.2.0/24", parsed, "::1"] });
    expect(allow).toEqual([parseNetwork("192.0.2.0/24"), parsed, parseNetwork("::1/128")]);
    parsed.address[0] = 0;
    expect(allow[1]!.address[0]).toBe(0x20);
  });

  test("have an IPv6 address without its brackets", () => {
    const host = (text: string) => resolveOptions({ host: text }).host;
    expect(["[::1]", "::1", "[fe80::1%eth0]", "localhost"].map(host)).toEqual([
      "::1",
      "::1",
      "fe80::1%eth0",
      "localhost",
    ]);
    // Brackets are for IPv6 only: this is not a name that resolves.
    expect(host("[127.0.0.1]")).toBe("[127.0.0.1]");
    expect(resolveOptions({ host: ["[::1]", "localhost"] }).host).toEqual(["::1", "localhost"]);
    expect(() => resolveOptions({ host: [] })).toThrow(new RangeError("host must name at least one address or name"));
  });
});
