/** docs/admin.md: its examples have the shape of real replies, and its table names all metrics. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { MAX_STREAMS } from "../../src/admin/events.ts";
import { AdminServer } from "../../src/admin/index.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { until } from "../support/time-limits.ts";
import { Site, withMethods } from "./site.ts";

const text = await Bun.file(join(import.meta.dir, "../../docs/admin.md")).text();

/** The examples by their path: the first block of JSON after a heading `### PATH`. */
const examples = new Map(
  text
    .split(/^### /m)
    .slice(1)
    .flatMap((section) => {
      const json = /^```json\n(.*?)^```/ms.exec(section)?.[1];
      return json === undefined ? [] : [[section.slice(0, section.indexOf("\n")), JSON.parse(json)] as const];
    }),
);

/** A server with a node, a limited source and a problem. */
let site: Site;
let admin: AdminServer;
beforeAll(async () => {
  site = await Site.start();
  const client = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
  client.send(announcement(ascii("NODE"), 22000), site.server.port, "127.0.0.1");
  await until(() => site.server.node(ascii("NODE")) !== undefined, "the node");
  const { sourceBurst } = site.server.options;
  for (let i = 0; i < 2 * sourceBurst; i++) client.send(query(ascii(`N${i}`)), site.server.port, "127.0.0.1");
  await until(() => site.server.limited().length > 0, "a limited source");
  client.close();
  admin = await AdminServer.start({ host: "127.0.0.1", port: 0 });
  const check = { name: "probe" as const, ok: true, text: "answered" };
  const problem = { code: "clock" as const, severity: "warning" as const, text: "", since: 0 };
  admin.watch(
    withMethods(site.server, {
      readiness: async () => ({ ready: true, checks: [check] }),
      problems: () => [problem],
    }),
  );
});
afterAll(async () => {
  await admin.stop();
  await site[Symbol.asyncDispose]();
});

/** The keys of a value, of its members, and of the first element that is not null of its arrays; else the kind. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(() => shapeOf(value.find((it) => it !== null)));
  if (typeof value !== "object" || value === null) return "value";
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]));
}

test("has an example for each path that replies with JSON", () => {
  expect([...examples.keys()].sort()).toEqual([
    "/api/history",
    "/api/limited",
    "/api/nodes/ID",
    "/api/stats",
    "/readyz",
  ]);
});

test.each([...examples])("the example of %s has the keys of a real reply", async (path, example) => {
  const response = await fetch(new URL(path.replace("/ID", "/NODE"), admin.url));
  expect(response.status).toBe(200);
  const reply = (await response.json()) as Record<string, unknown>;
  // Values that may be null or a NodeID are compared as values.
  const flat = (value: unknown) =>
    JSON.parse(JSON.stringify(value, (key, member) => (key === "nodeId" && path !== "/api/nodes/ID" ? null : member)));
  if (path === "/api/history") {
    reply.nodes = reply.devices = reply.verdicts = reply.journalLag = reply.kernelDrops = [];
    example = { ...example, nodes: [], devices: [], verdicts: [], journalLag: [], kernelDrops: [] };
  }
  expect(shapeOf(flat(example))).toEqual(shapeOf(flat(reply)) as object);
});

test("its table names all metrics with their labels, and no other", async () => {
  const metrics = await (await fetch(new URL("/metrics", admin.url))).text();
  const described = [...text.matchAll(/`((?:whereabouts|process)_\w+)(?:\{([\w,]+)\})?`/g)].map(
    ([, name, labels]) => [name!, labels ?? ""] as const,
  );
  const names = [...metrics.matchAll(/^# TYPE (\w+) \w+$/gm)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(35);
  const documented = new Set(described.map(([name]) => name));
  for (const name of names) expect(documented, name).toContain(name);
  // Not every system reports these.
  const optional = [
    "whereabouts_kernel_drops_total",
    "whereabouts_receive_queue_bytes",
    "whereabouts_worker_cpu_seconds_total",
    "whereabouts_xdp_attached",
    "whereabouts_xdp_queues",
    "whereabouts_xdp_queues_served",
    "whereabouts_xdp_received_total",
    "whereabouts_xdp_sent_total",
    "whereabouts_xdp_damaged_total",
    "whereabouts_xdp_dropped_total",
    "process_open_fds",
    "process_max_fds",
  ];
  for (const name of documented) if (!optional.includes(name)) expect(names, name).toContain(name);
  for (const name of names) {
    const sample = new RegExp(`^${name}\\{([^}]*)\\}`, "m").exec(metrics)?.[1] ?? "";
    const labels = sample.replace(/="[^"]*"/g, "");
    const documentedLabels = described.filter(([other]) => other === name).map(([, documented]) => documented);
    // Other sentences may name it without its labels.
    expect(
      [...new Set(documentedLabels)].filter((documented) => documented !== ""),
      name,
    ).toEqual(labels === "" ? [] : [labels]);
  }
});

test("it says how many streams there may be", () => {
  expect(text).toContain(`There may be ${MAX_STREAMS} streams at once`);
});
