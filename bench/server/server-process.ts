/**
 * The server that `bench:server` measures, in its own process. Takes its options as JSON in the first argument. Sends
 * its port over IPC, then its statistics in reply to each message.
 */
import { DiscoveryServer, type ServerOptions } from "../../src/server/index.ts";

const options: Partial<ServerOptions> = JSON.parse(process.argv[2]!);
const server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, ...options });
server.closed.catch((error: Error) => {
  console.error(`the server failed: ${error.message}`);
  process.exit(1);
});
process.on("message", () => process.send!(server.stats()));
process.on("disconnect", () => process.exit(0));
process.send!({ port: server.port });
