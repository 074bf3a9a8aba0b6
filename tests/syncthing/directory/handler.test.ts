import { beforeEach, expect, test } from "bun:test";
import type { Endpoint } from "../../../src/syncthing/addresses.ts";
import { deviceIdOf, formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { type DirectoryRequest, type Reply, RequestHandler } from "../../../src/syncthing/directory/handler.ts";
import { createMissMemory, MissTable } from "../../../src/syncthing/directory/misses.ts";
import { FakeDirectory } from "./fake-directory.ts";
import { source } from "./source.ts";

const SOURCE = source("203.0.113.9", 4711);
const CERTIFICATE = Buffer.from("a certificate");
const ID = deviceIdOf(CERTIFICATE);
const DEVICE = formatDeviceId(ID);
const ADDRESS = "tcp://192.0.2.7:22000";

let directory: FakeDirectory;
let handler: RequestHandler;
let errors: unknown[];

beforeEach(() => {
  directory = new FakeDirectory();
  errors = [];
  handler = new RequestHandler(directory, new MissTable(createMissMemory()), (error) => errors.push(error));
});

function get(target: string): Promise<Reply> | Reply {
  return handler.handle(request("GET", target));
}

function announce(body: unknown, certificate: Uint8Array | undefined = CERTIFICATE): Promise<Reply> | Reply {
  return handler.handle({
    ...request("POST", "/v2/"),
    certificate: () => certificate,
    body: async () => JSON.stringify(body),
  });
}

function request(method: string, target: string): DirectoryRequest {
  const unused = (): never => {
    throw new Error("this request does not need it");
  };
  return { method, target, source: (): Endpoint => SOURCE, certificate: unused, body: unused };
}

/** The seconds after which a client is told to come again. */
function retryAfter(reply: Reply): number {
  return Number(reply.headers["Retry-After"]);
}

test("what was announced is found, with the time in RFC 3339", async () => {
  const announced = await announce({ addresses: [ADDRESS, "tcp://0.0.0.0:22000"] });
  expect(announced).toMatchObject({ result: "new", status: 204, body: "" });
  expect(Number(announced.headers["Reannounce-After"])).toBeWithin(3300, 3600);
  expect(await get(`/v2/?device=${DEVICE}`)).toEqual({
    result: "found",
    status: 200,
    headers: { "Content-Type": "application/json", "Content-Length": "99" },
    body: '{"seen":"2026-01-02T03:04:05.678Z","addresses":["tcp://192.0.2.7:22000","tcp://203.0.113.9:22000"]}',
  });
  expect(await announce({ addresses: [ADDRESS] })).toMatchObject({ result: "known", status: 204 });
});

test("a look-up is answered at once, not with a promise", () => {
  expect(get(`/v2/?device=${DEVICE}`)).not.toBeInstanceOf(Promise);
});

test.each(["/", "/v2/", "/v2/?device=", "/v2/?other=1"])("nobody is the device of %s", async (target) => {
  const reply = await get(target);
  expect(reply).toMatchObject({ result: "not-found", status: 404, body: "Not Found\n" });
  expect(retryAfter(reply)).toBeWithin(70, 130);
});

test("who asks again and again for a dead device is told to come less often, at most once an hour", async () => {
  const waits: number[] = [];
  for (let i = 0; i < 400; i++) waits.push(retryAfter(await get(`/v2/?device=${DEVICE}`)));
  for (const [i, wait] of waits.entries()) {
    const least = Math.min(70 + 10 * i, 3540);
    expect(wait).toBeWithin(least, least + 60);
  }
  // Clients that asked at the same time do not come in step.
  expect(new Set(waits.slice(350)).size).toBeGreaterThan(10);
});

test("an announcement makes the waits short again", async () => {
  for (let i = 0; i < 100; i++) await get(`/v2/?device=${DEVICE}`);
  await announce({ addresses: [ADDRESS] });
  directory.devices.clear();
  expect(retryAfter(await get(`/v2/?device=${DEVICE}`))).toBeWithin(70, 130);
});

test("a text that is no device ID is a bad request", async () => {
  const reply = await get("/v2/?device=AAAAAAA");
  expect(reply).toMatchObject({ result: "bad-request", status: 400, body: "Bad Request\n" });
  expect(reply.headers["X-Content-Type-Options"]).toBe("nosniff");
  expect(retryAfter(reply)).toBeWithin(1500, 1800);
});

test.each(["PUT", "HEAD", "OPTIONS", "DELETE", "get"])("the method %s is not allowed", async (method) => {
  const reply = await handler.handle(request(method, "/v2/"));
  expect(reply).toMatchObject({ result: "bad-method", status: 405, body: "Method Not Allowed\n" });
  expect(reply.headers["Retry-After"]).toBeUndefined();
});

test.each(["GET", "POST", "PUT", "HEAD"])("a load balancer may check the server's health with %s", async (method) => {
  expect(await handler.handle(request(method, "/ping"))).toEqual({
    result: "ping",
    status: 204,
    headers: {},
    body: "",
  });
  expect(directory.charged).toEqual([]);
});

test("an announcement without a certificate is forbidden, and its body is not read", async () => {
  const reply = await handler.handle({ ...request("POST", "/v2/"), certificate: () => undefined });
  expect(reply).toMatchObject({ result: "no-certificate", status: 403, body: "Forbidden\n" });
  expect(retryAfter(reply)).toBeWithin(1500, 1800);
});

test.each([
  "",
  "x",
  "null",
  "1",
  "[]",
  "{}",
  '{"addresses":null}',
  '{"addresses":"tcp://192.0.2.7:22000"}',
  '{"addresses":{"length":1,"0":"tcp://192.0.2.7:22000"}}',
  '{"addresses":[]}',
  '{"addresses":[1]}',
  '{"addresses":["tcp://192.0.2.7:22000",1]}',
  '{"addresses":["tcp://127.0.0.1:22000"]}',
  '{"addresses":["tcp://192.0.2.7:22000"]',
  '{"addresses":["tcp://192.0.2.7:22000"]}x',
  '{"__proto__":{"addresses":["tcp://192.0.2.7:22000"]}}',
])("an announcement of %s is a bad request", async (body) => {
  const reply = await handler.handle({
    ...request("POST", "/v2/"),
    certificate: () => CERTIFICATE,
    body: async () => body,
  });
  expect(reply).toMatchObject({ result: "bad-request", status: 400 });
  expect(directory.devices.size).toBe(0);
});

test("JSON of any depth is a bad request", async () => {
  for (const body of ["[".repeat(65_000), `{"addresses":${"[".repeat(32_000)}${"]".repeat(32_000)}}`]) {
    const reply = await handler.handle({
      ...request("POST", "/"),
      certificate: () => CERTIFICATE,
      body: async () => body,
    });
    expect(reply.result).toBe("bad-request");
  }
});

test("an announcement that is too long, or cut off, is not stored", async () => {
  const post = { ...request("POST", "/v2/"), certificate: () => CERTIFICATE };
  expect(await handler.handle({ ...post, body: async () => undefined })).toMatchObject({
    result: "too-long",
    status: 413,
  });
  const cut = { ...post, body: () => Promise.reject(new Error("the connection ended")) };
  expect(await handler.handle(cut)).toMatchObject({ result: "aborted", status: 400 });
  expect(directory.devices.size).toBe(0);
});

test("each request is charged to its source: look-ups, announcements, and of those the ones of unknown devices", async () => {
  const by = Buffer.from(SOURCE.address).toString("hex");
  await get(`/v2/?device=${DEVICE}`);
  await announce({ addresses: [ADDRESS] });
  await announce({ addresses: [ADDRESS] });
  expect(directory.charged).toEqual(
    ["queries", "announcements", "new", "announcements"].map((limit) => `${limit} ${by}`),
  );
});

test.each([
  ["queries", "GET"],
  ["announcements", "POST"],
  ["new", "POST"],
] as const)(
  "a request that exceeds the limit of %s is refused for a minute or two, and stores nothing",
  async (limit, method) => {
    directory.refused.add(limit);
    const reply = await (method === "GET" ? get(`/v2/?device=${DEVICE}`) : announce({ addresses: [ADDRESS] }));
    expect(reply).toMatchObject({ result: "limited", status: 429, body: "Too Many Requests\n" });
    expect(retryAfter(reply)).toBeWithin(60, 120);
    expect(directory.devices.size).toBe(0);
  },
);

test("a full table refuses unknown devices, and known ones announce themselves", async () => {
  await announce({ addresses: [ADDRESS] });
  directory.full = true;
  const reply = await announce({ addresses: [ADDRESS] }, Buffer.from("another certificate"));
  expect(reply).toMatchObject({ result: "full", status: 503, body: "Service Unavailable\n" });
  expect(retryAfter(reply)).toBeWithin(1500, 1800);
  expect(await announce({ addresses: [ADDRESS] })).toMatchObject({ result: "known" });
});

test("a look-up that cannot be answered now is to be asked again soon", async () => {
  directory.busy = true;
  const reply = await get(`/v2/?device=${DEVICE}`);
  expect(reply).toMatchObject({ result: "busy", status: 503 });
  expect(retryAfter(reply)).toBeWithin(60, 120);
});

test("what the directory throws is reported, and the request is answered with an error of the server", async () => {
  const error = new Error("the server stops");
  directory.failure = error;
  const announced = await announce({ addresses: [ADDRESS] });
  const found = await get(`/v2/?device=${DEVICE}`);
  for (const reply of [announced, found]) {
    expect(reply).toMatchObject({ result: "error", status: 500, body: "Internal Server Error\n" });
    expect(retryAfter(reply)).toBeWithin(1500, 1800);
  }
  expect(errors).toEqual([error, error]);
});
