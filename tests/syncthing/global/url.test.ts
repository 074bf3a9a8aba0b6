import { expect, test } from "bun:test";
import { formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { parseGlobalUrl } from "../../../src/syncthing/global/url.ts";

const ID = new Uint8Array(32).fill(7);
const TEXT = formatDeviceId(ID);

test("the options of a server's URL are Syncthing's", () => {
  expect(parseGlobalUrl("https://discovery.example")).toEqual({
    host: "discovery.example",
    port: 443,
    path: "/",
    name: "discovery.example:443",
    id: undefined,
    insecure: false,
    announces: true,
    looksUp: true,
  });
  expect(parseGlobalUrl(`HTTPS://[2001:db8::1]:8443/v2/?noannounce&id=${TEXT}`)).toEqual({
    host: "2001:db8::1",
    port: 8443,
    path: "/v2/",
    name: "[2001:db8::1]:8443",
    id: ID,
    insecure: false,
    announces: false,
    looksUp: true,
  });
  const { insecure, looksUp, announces } = parseGlobalUrl("https://a.example/?insecure=1&nolookup=true&noannounce=no");
  expect([insecure, looksUp, announces]).toEqual([true, false, true]);
});

test.each([
  ["http://a.example/", '"http://a.example/" must begin with https://'],
  ["a.example", '"a.example" must begin with https://'],
  ["https://", '"https://" is not a URL: write https://HOST:PORT/?id=DEVICE-ID'],
  ["https://a.example:70000/", '"https://a.example:70000/" is not a URL: write https://HOST:PORT/?id=DEVICE-ID'],
  ["https://a.example:0/", '"https://a.example:0/" must have a port from 1 to 65535'],
  [
    "https://user:secret@a.example/",
    "the URL of a.example must have no user name: servers know devices by their certificates",
  ],
  ["https://a.example/#x", '"https://a.example/#x" must have no "#"'],
  ["https://a.example/?unsecure", '"https://a.example/?unsecure" has no option "unsecure": did you mean "insecure"?'],
  [
    "https://a.example/?x=y",
    '"https://a.example/?x=y" has no option "x": known are id, insecure, noannounce, nolookup',
  ],
  [
    "https://a.example/?insecure=maybe",
    'the option insecure of a.example is a switch: write it alone, without "maybe"',
  ],
  [`https://a.example/?id=${TEXT}&id=${TEXT}`, "the URL of a.example must have one id only"],
  [
    "https://a.example/?id=",
    "the id of a.example is wrong: a device ID has 56 letters and digits, or 52 without check characters, not 0",
  ],
  [
    `https://a.example/?id=${TEXT.replace("A", "!")}`,
    /^the id of a.example is wrong: character \d+ of a device ID must be A to Z or 2 to 7, not "!"$/,
  ],
])("the URL %s is refused, with a reason", (url, message) => {
  expect(() => parseGlobalUrl(url)).toThrow(RangeError);
  expect(() => parseGlobalUrl(url)).toThrow(message);
});

test("a server's URL must be a string", () => {
  expect(() => parseGlobalUrl(7 as never)).toThrow(new TypeError("the URL of a server must be a string, not 7"));
});
