/** The transports that need no network interface of their own, for tests of every one of them. */
import type { TransportName } from "../../src/server/index.ts";

export const SOCKET_TRANSPORTS = ["udp", "mmsg"] as const satisfies readonly TransportName[];
