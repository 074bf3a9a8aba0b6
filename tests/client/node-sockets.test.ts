/** The tests of the client's servers again, with the sockets of Node, which Bun has too. */
import { afterAll } from "bun:test";
import { runtime } from "../../src/client/sockets/index.ts";
import { nodeSockets } from "../../src/client/sockets/node.ts";

const own = runtime.sockets;
runtime.sockets = nodeSockets;
afterAll(() => {
  runtime.sockets = own;
});

const FILES = ["discoverer", "servers/announcer", "servers/fresh", "servers/pending", "servers/unreachable"];
// With a query they are modules of their own: otherwise each file would run only once, here or by itself.
for (const file of FILES) await import(`./${file}.test.ts?sockets=node`);
