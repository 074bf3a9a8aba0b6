/**
 * The server that `bench:server` and `bench:admin` measure, in its own process. Takes its options as JSON in the first
 * argument, with `admin: true` for an admin server. Sends its port, and the address of the admin server, over IPC, then
 * its statistics in reply to each message.
 */
import { AdminServer } from "../../src/admin/index.ts";
import { DiscoveryServer, type ServerOptions } from "../../src/server/index.ts";

const { admin: withAdmin, ...options }: Partial<ServerOptions> & { admin?: boolean } = JSON.parse(process.argv[2]!);
const admin = withAdmin ? await AdminServer.start({ host: "127.0.0.1", port: 0 }) : undefined;
const server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, ...options });
admin?.watch(server);
server.closed.catch((error: Error) => {
  console.error(`the server failed: ${error.message}`);
  process.exit(1);
});
process.on("message", () => process.send!(server.stats()));
process.on("disconnect", () => process.exit(0));
process.send!({ port: server.port, url: admin?.url });
