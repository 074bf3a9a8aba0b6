import { afterAll, expect, test } from "bun:test";
import { SyncthingDiscoverer } from "../../../src/syncthing/index.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { hasOpenssl, NEEDS_OPENSSL, selfSigned } from "../../support/syncthing/certificates.ts";

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());
const openssl = testIf(hasOpenssl, NEEDS_OPENSSL);

async function refusal(options: unknown): Promise<string> {
  try {
    await (await SyncthingDiscoverer.start({ lan: false, ...(options as object) })).close();
  } catch (error) {
    return String(error);
  }
  return "none";
}

test.each<[string, object, string]>([
  ["an unknown one", { server: [] }, 'TypeError: options has no key "server": did you mean "servers"?'],
  [
    "text as servers",
    { servers: "https://a/" },
    'TypeError: servers must be an array of strings, not the string "https://a/": put it in brackets',
  ],
  [
    "a server without https",
    { servers: ["discovery.example"] },
    'RangeError: "discovery.example" must begin with https://',
  ],
  ["a number as lan", { lan: 1 }, "TypeError: lan must be true or false, not 1"],
  ["port 0", { lanPort: 0 }, "RangeError: lanPort must be a whole number from 1 to 65535, not 0"],
  [
    "no interfaces",
    { interfaces: [] },
    'RangeError: interfaces must be names of network interfaces, such as ["eth0"]: leave it out to use all',
  ],
  ["a negative timing", { timings: { retry: -1 } }, "RangeError: timings.retry must be milliseconds above 0, not -1"],
  [
    "an unknown timing",
    { timings: { serverInterval: 1 } },
    'TypeError: timings has no key "serverInterval": known are lanInterval, lanRetention, interfaces, retry, found',
  ],
  ["no signal", { signal: {} }, "TypeError: signal must be an AbortSignal, not an object"],
  [
    "addresses without a certificate",
    { addresses: ["tcp://:22000"] },
    "TypeError: to announce addresses, a device needs its certificate and its key",
  ],
  [
    "an address that is no URL",
    { addresses: ["tcp://:22000", "127.0.0.1:22000"] },
    'RangeError: addresses[1] must be a URL with a port that other hosts can reach, such as "tcp://:22000", not "127.0.0.1:22000"',
  ],
  [
    "too many addresses",
    { addresses: Array.from({ length: 33 }, (_, i) => `tcp://:${i + 1}`) },
    "RangeError: addresses must have at most 32 URLs, with 4096 bytes in all",
  ],
  [
    "no certificate",
    { certificate: "PEM", key: "PEM" },
    "RangeError: certificate is wrong: it is not a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----",
  ],
  ["a key alone", { key: "PEM" }, "TypeError: a certificate needs its key: there is no certificate"],
])("options are refused: %s", async (_what, options, message) => {
  expect(await refusal(options)).toBe(message);
});

openssl("the device ID is the certificate's, which needs its own key", async () => {
  const own = selfSigned(folder, "own");
  const other = selfSigned(folder, "other");
  const { certificate, key, deviceId } = own;
  await using discoverer = await SyncthingDiscoverer.start({ certificate, key, lan: false });
  expect(discoverer.deviceId).toBe(deviceId);
  for (const servers of [[], ["https://127.0.0.1:1/?insecure"]]) {
    expect(await refusal({ certificate, key: other.key, servers })).toBe(
      "RangeError: the certificate and the key must be a pair, both in PEM",
    );
  }
  expect(await refusal({ certificate })).toBe("TypeError: a certificate needs its key: there is no key");
});

test("options that are undefined have their defaults", async () => {
  const timings = { retry: undefined };
  const options = { certificate: undefined, key: undefined, addresses: undefined, signal: undefined, timings };
  expect(await refusal(options)).toBe("none");
});

test("a signal that is aborted refuses the start, and later closes the discoverer", async () => {
  const reason = new Error("not today");
  expect(await refusal({ signal: AbortSignal.abort(reason) })).toBe("Error: not today");
  const aborter = new AbortController();
  const discoverer = await SyncthingDiscoverer.start({ lan: false, signal: aborter.signal });
  const events = discoverer.watch();
  aborter.abort();
  expect(await Array.fromAsync(events)).toEqual([]);
});
