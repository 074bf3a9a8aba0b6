/** Discovery servers on some addresses of a virtual host: `server-host.ts PORT ADDRESS…`. Each knows the node KNOWN. Ends with its standard input. */
import { DiscoveryServer } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { until } from "../../support/time-limits.ts";

const [port, ...addresses] = process.argv.slice(2);
const servers = await Promise.all(
  addresses.map((host) => DiscoveryServer.start({ host, port: Number(port), capacity: 1000, sourceRate: 0 })),
);
for (const [i, server] of servers.entries()) {
  await using client = await Client.open(server.port, addresses[i]!);
  client.send(announcement(ascii("KNOWN"), 7777));
  await until(() => server.stats().nodes === 1, "the announcement");
}
console.log("ready");
for await (const _ of Bun.stdin.stream());
for (const server of servers) await server.stop();
