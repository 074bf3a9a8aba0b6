/** The client in Node itself: bundled, as an application would. */
import { expect } from "bun:test";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { until } from "../../support/time-limits.ts";
import type { Task } from "./agent.ts";
import { bundleForNode } from "./network.ts";

const AGENT = new URL("./agent.ts", import.meta.url).pathname;

testIf(Bun.which("node") !== null, "needs node")(
  "in Node a node is found, an announcement confirmed, and a server that cannot be reached is an error",
  async () => {
    await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10 });
    await using client = await Client.open(server.port);
    client.send(announcement(ascii("KNOWN"), 7777));
    await until(() => server.stats().nodes === 1, "the announcement");
    await using bundle = await bundleForNode(AGENT);
    // The server listens on the first address only.
    const names = { right: ["127.0.0.1"], refused: ["127.0.0.2"], both: ["127.0.0.2", "127.0.0.1"] };
    const task: Task = { nodeSockets: false, names, port: server.port };
    const child = Bun.spawn(["node", bundle.path, JSON.stringify(task)], { stdout: "pipe", stderr: "inherit" });
    const { right, refused, both } = JSON.parse(await child.stdout.text());
    expect(await child.exited).toBe(0);
    const address = `127.0.0.1:${server.port}`;
    expect(right).toMatchObject({ found: 7777, announced: address });
    expect(both).toMatchObject({ found: 7777, announced: address });
    const message = `refused:${server.port}: no server listens there (ECONNREFUSED)`;
    expect(refused).toMatchObject({ code: "ECONNREFUSED", message, announced: message });
    expect(refused.found).toBeUndefined();
  },
);
