/** The tests of the client's servers again, with the sockets of Node, which Bun has too. */
import { afterAll } from "bun:test";
import { runtime } from "../../src/client/sockets/index.ts";
import { nodeSockets } from "../../src/client/sockets/node.ts";

const own = runtime.sockets;
runtime.sockets = nodeSockets;
afterAll(() => {
  runtime.sockets = own;
});

await import("./discoverer.test.ts");
await import("./servers/announcer.test.ts");
await import("./servers/fresh.test.ts");
await import("./servers/pending.test.ts");
await import("./servers/unreachable.test.ts");
