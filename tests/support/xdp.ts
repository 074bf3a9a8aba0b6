/** Whether the transport xdp can run here. */
import { closeSync } from "node:fs";
import { loadLibc, SOCK_CLOEXEC } from "../../src/transport/libc.ts";
import { Bpf, MAP_HASH } from "../../src/transport/xdp/bpf.ts";
import { AF_XDP, SOCK_RAW } from "../../src/transport/xdp/libc.ts";
import { hasNetns } from "./netns.ts";

/** The reason that `testIf` gives when it skips a test. */
export const NEEDS_XDP =
  "needs network namespaces and AF_XDP: Linux, root, unshare, nsenter, ip, and the rights to load programs";

export const hasXdp: boolean = hasNetns && takesPrograms();

function takesPrograms(): boolean {
  try {
    const libc = loadLibc();
    const socket = libc.call.socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (socket < 0) return false;
    closeSync(socket);
    closeSync(new Bpf(libc).createMap(MAP_HASH, 4, 4, 1));
    return true;
  } catch {
    return false;
  }
}
