/** Whether the transport xdp can run here. */
import { closeSync } from "node:fs";
import { loadLibc, SOCK_CLOEXEC } from "../../src/transport/libc.ts";
import { checked } from "../../src/transport/socket.ts";
import { Bpf, MAP_HASH, MAP_SOCKETS } from "../../src/transport/xdp/bpf.ts";
import { AF_XDP, SOCK_RAW } from "../../src/transport/xdp/libc.ts";
import { KEY_SIZE, xdpProgram } from "../../src/transport/xdp/program.ts";
import { hasNetns } from "./netns.ts";

/** The reason that `testIf` gives when it skips a test. */
export const NEEDS_XDP =
  "needs network namespaces and AF_XDP: Linux, root, unshare, nsenter, ip, and the rights to load programs";

/** Why the kernel does not take what the transport xdp needs; undefined if it does. Attaches nothing. */
export function xdpObstacle(): string | undefined {
  const open: number[] = [];
  try {
    const libc = loadLibc();
    const bpf = new Bpf(libc);
    open.push(checked(libc, "socket(AF_XDP)", libc.call.socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)));
    const addresses = bpf.createMap(MAP_HASH, KEY_SIZE, 4, 1);
    open.push(addresses);
    const sockets = bpf.createMap(MAP_SOCKETS, 4, 4, 1);
    open.push(sockets);
    open.push(bpf.loadProgram(xdpProgram({ port: 22025, addresses, sockets })));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

export const hasXdp: boolean = hasNetns && xdpObstacle() === undefined;
