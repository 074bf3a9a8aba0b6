/** The sockets of the runtime that this is. */
import { bunSockets } from "./bun.ts";
import { nodeSockets } from "./node.ts";
import type { Sockets } from "./socket.ts";

export { type ConnectedSocket, codeOf, type Family, type SharedSocket, type Sockets } from "./socket.ts";

/** Replaced by tests only: Bun runs the sockets of Node too. */
export const runtime: { sockets: Sockets } = { sockets: typeof Bun === "undefined" ? nodeSockets : bunSockets };
