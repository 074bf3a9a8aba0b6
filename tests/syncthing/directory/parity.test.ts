// The listeners beside Debian's stdiscosrv: the same requests, over TLS and behind a proxy, have the same answers.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { parseNetwork } from "../../../src/server/index.ts";
import { PlainListener } from "../../../src/syncthing/directory/plain/listener.ts";
import { Folder } from "../../support/folder.ts";
import { lastingPort } from "../../support/ports.ts";
import {
  type ClientCertificate,
  caddy,
  hasOpenssl,
  madeUpCertificate,
  makeCertificate,
  PROXIES,
} from "./certificates.ts";
import { FakeDirectory, handlerOf } from "./fake-directory.ts";
import { type Answer, type RequestOptions, sendHttp1, sendHttp2 } from "./requests.ts";
import { SERVER, TlsSite } from "./tls/site.ts";

const hasBoth = hasOpenssl && Bun.which("stdiscosrv") !== null;

function describeParity(title: string, tests: () => void): void {
  if (hasBoth || Bun.env.CI === "true") describe(title, tests);
  else describe.skip(`${title} (needs stdiscosrv, openssl and faketime)`, tests);
}

const NOBODY = "AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA";
const ANNOUNCEMENT = JSON.stringify({ addresses: ["tcp://192.0.2.7:22000"] });
/** Where the proxy got the requests from. */
const CLIENT = "203.0.113.9";

/** Debian's server, with a fresh database. */
class Stdiscosrv implements AsyncDisposable {
  readonly #folder: Folder;
  readonly #process: Bun.Subprocess;
  readonly port: number;

  private constructor(folder: Folder, process: Bun.Subprocess, port: number) {
    this.#folder = folder;
    this.#process = process;
    this.port = port;
  }

  static async start(...flags: string[]): Promise<Stdiscosrv> {
    const folder = new Folder();
    await Bun.write(folder.at("cert.pem"), SERVER.cert);
    await Bun.write(folder.at("key.pem"), SERVER.key);
    const port = await lastingPort();
    const files = [`--cert=${folder.at("cert.pem")}`, `--key=${folder.at("key.pem")}`, `--db-dir=${folder.at("db")}`];
    const command = ["stdiscosrv", `--listen=127.0.0.1:${port}`, ...files, ...flags];
    const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore" });
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`stdiscosrv ended with exit code ${child.exitCode}`);
      await Bun.sleep(20);
    }
    return new Stdiscosrv(folder, child, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    this.#folder[Symbol.dispose]();
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/** One of the two servers, reached in one way. */
type Ask = (target: string, options?: RequestOptions) => Promise<Answer>;

/** What an answer means to a client. Times are random, so only their ranges count. */
function meaning({ status, headers, body }: Answer) {
  const seconds = (name: string, ...starts: number[]): string | undefined => {
    const value = headers[name];
    if (value === undefined) return undefined;
    const start = starts.find((least) => Number(value) >= least && Number(value) <= least + 300);
    return start === undefined ? value : `${start} to ${start + 300}`;
  };
  return {
    status,
    retryAfter: seconds("retry-after", 60, 1500),
    reannounceAfter: seconds("reannounce-after", 3300),
    type: headers["content-type"],
    nosniff: headers["x-content-type-options"],
    body: status === 200 ? sorted(JSON.parse(body)) : body,
  };
}

/** The order of addresses means nothing. `seen` is a time of this test's, or of the fake directory's. */
function sorted({ seen, addresses, ...others }: { seen: string; addresses: string[] }) {
  return { seen: Number.isNaN(Date.parse(seen)) ? seen : "a time", addresses: addresses.toSorted(), ...others };
}

interface Row {
  readonly title: string;
  readonly target?: string;
  readonly method?: string;
  readonly body?: string;
  /** Sends no certificate. */
  readonly anonymous?: boolean;
}

const ROWS: Row[] = [
  { title: "a look-up of a device that nobody knows", target: `/v2/?device=${NOBODY}`, anonymous: true },
  { title: "a look-up with another path", target: `/other/path?device=${NOBODY}`, anonymous: true },
  { title: "a look-up in lower case", target: `/v2/?device=${NOBODY.toLowerCase()}` },
  { title: "a look-up without dashes", target: `/v2/?device=${NOBODY.replaceAll("-", "")}` },
  { title: "a look-up without check characters", target: `/v2/?device=${"A".repeat(52)}` },
  { title: "a look-up with 0 for O, 1 for I and 8 for B", target: `/v2/?device=${"018".repeat(17)}A` },
  { title: "a look-up with a wrong check character", target: `/v2/?device=${NOBODY.slice(0, -1)}B` },
  { title: "a look-up with a character that no ID has", target: `/v2/?device=${NOBODY.slice(0, -1)}!` },
  { title: "a look-up with a short ID", target: "/v2/?device=AAAAAAA" },
  { title: "a look-up without a device", target: "/v2/" },
  { title: "a look-up with an empty device", target: "/v2/?device=" },
  { title: "the root", target: "/" },
  { title: "a health check", target: "/ping" },
  { title: "a health check with POST", target: "/ping", method: "POST" },
  { title: "a health check with PUT", target: "/ping", method: "PUT" },
  { title: "PUT", method: "PUT" },
  { title: "DELETE", method: "DELETE" },
  { title: "OPTIONS", method: "OPTIONS" },
  { title: "PATCH with a body", method: "PATCH", body: ANNOUNCEMENT },
  { title: "an announcement without a certificate", method: "POST", body: ANNOUNCEMENT, anonymous: true },
  { title: "an announcement", method: "POST", body: ANNOUNCEMENT },
  { title: "an announcement with another path", target: "/some/path?x=y", method: "POST", body: ANNOUNCEMENT },
  { title: "an announcement that is empty", method: "POST" },
  { title: "an announcement that is no JSON", method: "POST", body: "x" },
  { title: "an announcement of null", method: "POST", body: "null" },
  { title: "an announcement of a list", method: "POST", body: "[]" },
  { title: "an announcement of a number", method: "POST", body: "1" },
  { title: "an announcement without addresses", method: "POST", body: "{}" },
  { title: "an announcement of no addresses", method: "POST", body: '{"addresses":[]}' },
  { title: "an announcement of null addresses", method: "POST", body: '{"addresses":null}' },
  { title: "an announcement of a text", method: "POST", body: '{"addresses":"tcp://192.0.2.7:22000"}' },
  { title: "an announcement of numbers", method: "POST", body: '{"addresses":[1]}' },
  { title: "an announcement that is cut off", method: "POST", body: ANNOUNCEMENT.slice(0, -1) },
  {
    title: "an announcement with other members",
    method: "POST",
    body: '{"x":{"y":[1]},"addresses":["tcp://192.0.2.7:1"]}',
  },
  { title: "an announcement of loopback only", method: "POST", body: '{"addresses":["tcp://127.0.0.1:22000"]}' },
];

/** Addresses that both servers store in the same form, or refuse. */
const SAME_ADDRESSES = [
  "tcp://192.0.2.7:22000",
  "TCP://192.0.2.7:22000",
  "tcp://0.0.0.0:22000",
  "tcp://:22000",
  "tcp://[::]:22000",
  "tcp://[::ffff:0.0.0.0]:22000",
  "tcp4://0.0.0.0:22000",
  "tcp4://[::]:22000",
  "tcp6://[::]:22000",
  "tcp6://0.0.0.0:22000",
  "quic4://0.0.0.0:0",
  "quic6://[::]:0",
  "tcp://192.0.2.7:0",
  "tcp://0.0.0.0:0",
  "tcp://127.0.0.1:1",
  "tcp://127.9.9.9:1",
  "tcp://[::1]:1",
  "tcp://[::ffff:127.0.0.1]:1",
  "tcp://224.0.0.1:1",
  "tcp://[ff02::1]:1",
  "tcp://169.254.1.1:1",
  "tcp://[fe80::1]:1",
  "tcp://192.0.2.7",
  "tcp://192.0.2.7:",
  "tcp://192.0.2.7:00",
  "quic://[2001:DB8:0::1]:22000",
  "tcp4://[::ffff:192.0.2.1]:1",
  "relay://198.51.100.1:22067/?id=ABC&pingInterval=1m0s&token=x",
  "tcp://device.example:22000",
  "tcp://a_b:1",
  "tcp://x!$&'()*+,;=:1",
  "tcp://user:pw@192.0.2.1:1/p?q#f",
  "https://device.example:443/",
  "tcp://192.0.2.01:1",
  "unix:///tmp/x",
  "192.0.2.7:22000",
  "tcp:192.0.2.7:1",
  " tcp://192.0.2.7:1",
  "tcp://192.0.2.7:1\n",
  "tcp://2001:db8::1:1",
  "tcp://exa mple:1",
  "tcp://a%20b:1",
  "tcp://[::1:1",
  "dynamic",
  "",
];

/** Addresses that the servers treat differently, with the reason. Theirs and ours: undefined if it is refused. */
const OTHER_ADDRESSES: [reason: string, announced: string, theirs: string | undefined, ours: string | undefined][] = [
  ["an IPv6 cannot be dialled over IPv4", "tcp4://[2001:db8::1]:1", "tcp4://[2001:db8::1]:1", undefined],
  ["an IPv4 cannot be dialled over IPv6", "tcp6://192.0.2.1:1", "tcp6://192.0.2.1:1", undefined],
  ["no other host has the zone", "tcp://[fe80::1%25eth0]:1", "tcp://[fe80::1%25eth0]:1", undefined],
  ["there is no such port", "tcp://192.0.2.7:65536", "tcp://192.0.2.7:65536", undefined],
  ["an IPv4 in brackets is wrong", "tcp://[192.0.2.1]:1", "tcp://192.0.2.1:1", undefined],
  ["only ASCII is stored", "tcp://192.0.2.1:1/é", "tcp://192.0.2.1:1/%C3%A9", undefined],
  ["only ASCII is stored", "tcp://é:1", "tcp://%C3%A9:1", undefined],
  ["spaces are not stored", "tcp://192.0.2.1:1/a b", "tcp://192.0.2.1:1/a%20b", undefined],
  ["a path is kept as it is written", "tcp://x:1/<>", "tcp://x:1/%3C%3E", "tcp://x:1/<>"],
  ["a path is kept as it is written", "tcp://x:1/%zz", undefined, "tcp://x:1/%zz"],
];

/** Requests that the servers answer with different statuses, with the reason. */
const OTHER_ROWS: [reason: string, row: Omit<Row, "title">, theirs: number, ours: number][] = [
  ["JSON ends where its value ends", { method: "POST", body: `${ANNOUNCEMENT}x` }, 204, 400],
  ["names of members have one spelling", { method: "POST", body: '{"ADDRESSES":["tcp://192.0.2.7:22000"]}' }, 204, 400],
  ["every address must be a text", { method: "POST", body: '{"addresses":["tcp://192.0.2.7:1",null]}' }, 204, 400],
  ["other members mean nothing", { method: "POST", body: '{"seen":1,"addresses":["tcp://192.0.2.7:1"]}' }, 400, 204],
  ["memory is bounded", { method: "POST", body: ANNOUNCEMENT.padEnd(70_000) + ANNOUNCEMENT }, 204, 413],
  ["no hash ends with B", { target: `/v2/?device=${"A".repeat(51)}B` }, 404, 400],
  ["dashes alone are no ID", { target: "/v2/?device=---" }, 404, 400],
];

/** Runs the rows against both servers. */
function compare(theirs: () => Ask, ours: () => Ask, certificate: () => ClientCertificate): void {
  const options = ({ method, body, anonymous }: Omit<Row, "title">): RequestOptions => {
    return { method, body, certificate: anonymous ? undefined : certificate() };
  };

  test.each(ROWS.map((row) => [row.title, row] as const))("%s has the same answer", async (_title, row) => {
    const { target = "/v2/" } = row;
    const [expected, actual] = await Promise.all([theirs()(target, options(row)), ours()(target, options(row))]);
    expect(meaning(actual)).toEqual(meaning(expected));
  });

  test.each(OTHER_ROWS)("other answers: %s", async (_reason, row, theirStatus, ourStatus) => {
    const { target = "/v2/" } = row;
    const [expected, actual] = await Promise.all([theirs()(target, options(row)), ours()(target, options(row))]);
    expect([expected.status, actual.status]).toEqual([theirStatus, ourStatus]);
  });
}

/** Announces one address of a new device, and looks it up. @returns undefined if it is refused */
async function stored(ask: Ask, announced: string, certificate: ClientCertificate): Promise<string[] | undefined> {
  const body = JSON.stringify({ addresses: [announced] });
  const { status } = await ask("/v2/", { method: "POST", body, certificate });
  if (status === 400) return undefined;
  expect(status).toBe(204);
  const found = await ask(`/v2/?device=${certificate.device}`);
  return JSON.parse(found.body).addresses.toSorted();
}

let certificate: ClientCertificate;

beforeAll(async () => {
  if (hasBoth) certificate = await makeCertificate();
});

describeParity("over TLS", () => {
  let theirs: Stdiscosrv;
  let ours: TlsSite;

  beforeAll(async () => {
    theirs = await Stdiscosrv.start();
    ours = await TlsSite.open();
  });

  afterAll(async () => {
    await theirs[Symbol.asyncDispose]();
    await ours[Symbol.asyncDispose]();
  });

  const askTheirs: Ask = (target, options) => sendHttp1(`https://127.0.0.1:${theirs.port}${target}`, options);

  describe("HTTP/1.1", () => {
    compare(
      () => askTheirs,
      () => (target, options) => sendHttp1(ours.url + target, options),
      () => certificate,
    );
  });

  // The original speaks only HTTP/1.1.
  describe("HTTP/2", () => {
    compare(
      () => askTheirs,
      () => (target, options) => sendHttp2(ours.url + target, options),
      () => certificate,
    );
  });

  test("the waits for a dead device grow in the same way", async () => {
    const look = `/v2/?device=${madeUpCertificate("dead").device}`;
    for (let misses = 1; misses <= 40; misses++) {
      const answers = await Promise.all([askTheirs(look), sendHttp1(ours.url + look)]);
      for (const { headers } of answers) {
        expect(Number(headers["retry-after"])).toBeWithin(60 + 10 * misses, 120 + 10 * misses);
      }
    }
  });

  test("an announced device is found with the same addresses, also after more announcements", async () => {
    const device = await makeCertificate();
    for (const addresses of [["tcp://192.0.2.7:22000", "relay://192.0.2.8:1/?id=x"], ["tcp://192.0.2.7:1"]]) {
      const announced = { method: "POST", body: JSON.stringify({ addresses }), certificate: device };
      const look = `/v2/?device=${device.device}`;
      await Promise.all([askTheirs("/v2/", announced), sendHttp1(`${ours.url}/v2/`, announced)]);
      const [expected, actual] = await Promise.all([askTheirs(look), sendHttp1(ours.url + look)]);
      expect(meaning(actual)).toEqual(meaning(expected));
    }
  });
});

describeParity("behind a proxy", () => {
  let theirs: Stdiscosrv;
  /** One for each header that proxies use: the original takes all of them. */
  const ours = new Map<string, PlainListener>();

  beforeAll(async () => {
    theirs = await Stdiscosrv.start("--http");
    const handler = handlerOf(new FakeDirectory());
    const trusted = [parseNetwork("127.0.0.0/8")];
    for (const [, encode] of PROXIES) {
      const certificateHeader = headerOf(encode);
      if (ours.has(certificateHeader)) continue;
      ours.set(
        certificateHeader,
        new PlainListener({ host: "127.0.0.1", port: 0, handler, trusted, certificateHeader }),
      );
    }
  });

  afterAll(async () => {
    await theirs[Symbol.asyncDispose]();
    for (const listener of ours.values()) await listener.close();
  });

  const headerOf = (encode: (device: ClientCertificate) => object) => Object.keys(encode(madeUpCertificate("any")))[0]!;

  /** Passes a request on as a proxy does. */
  const through = (
    port: () => number,
    source: string,
    encode: (device: ClientCertificate) => Record<string, string>,
  ): Ask => {
    return (target, { certificate: device, ...options } = {}) => {
      const proxy = { "X-Forwarded-For": source, "X-Client-Port": "4711" };
      const headers = device === undefined ? proxy : { ...proxy, ...encode(device) };
      return sendHttp1(`http://127.0.0.1:${port()}${target}`, { ...options, headers });
    };
  };
  const askTheirs = (source = CLIENT, encode = caddy) => through(() => theirs.port, source, encode);
  const askOurs = (source = CLIENT, encode = caddy) => through(() => ours.get(headerOf(encode))!.port, source, encode);

  compare(
    () => askTheirs(),
    () => askOurs(),
    () => certificate,
  );

  test.each(PROXIES)("the certificate is the same as %s passes it on", async (_name, encode) => {
    for (const device of [certificate, madeUpCertificate(String(encode))]) {
      const announced = "tcp://0.0.0.0:0";
      const expected = await stored(askTheirs(CLIENT, encode), announced, device);
      expect(expected).toContain(`tcp://${CLIENT}:4711`);
      expect(await stored(askOurs(CLIENT, encode), announced, device)).toEqual(expected);
    }
  });

  test.each([
    { "X-SSL-Cert": "x" },
    { "X-SSL-Cert": "%zz" },
    { "X-SSL-Cert": "-----BEGIN CERTIFICATE-----" },
    { "X-SSL-Cert": "" },
    { "X-Tls-Client-Cert-Der-Base64": "!" },
    { "X-Forwarded-Tls-Client-Cert": "%" },
    { "X-Forwarded-Tls-Client-Cert": "!" },
  ])("a header of garbage is no certificate: %j", async (headers) => {
    const options = { method: "POST", body: ANNOUNCEMENT, certificate };
    const expected = await askTheirs(CLIENT, () => headers)("/v2/", options);
    const actual = await askOurs(CLIENT, () => headers)("/v2/", options);
    expect(meaning(actual)).toEqual(meaning(expected));
    expect(actual.status).toBe(403);
  });

  describe.each([CLIENT, "2001:db8::5"])("an address announced from %s", (source) => {
    test("becomes the same address", async () => {
      for (const [i, announced] of SAME_ADDRESSES.entries()) {
        const device = madeUpCertificate(`${source} ${i}`);
        const expected = await stored(askTheirs(source), announced, device);
        expect({ announced, stored: await stored(askOurs(source), announced, device) }).toEqual({
          announced,
          stored: expected,
        });
      }
    });

    test.each(OTHER_ADDRESSES)("or, because %s, another one: %j", async (_reason, announced, expected, actual) => {
      const device = madeUpCertificate(`${source} ${announced}`);
      expect(await stored(askTheirs(source), announced, device)).toEqual(
        expected === undefined ? undefined : [expected],
      );
      expect(await stored(askOurs(source), announced, device)).toEqual(actual === undefined ? undefined : [actual]);
    });
  });
});
