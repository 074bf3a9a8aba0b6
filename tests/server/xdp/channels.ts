/** `channels.ts INTERFACE QUEUES`: gives an interface so many queues, as `ethtool -L` does. Prints the error, if there is one. */
import { dlopen, ptr } from "bun:ffi";
import type { Host } from "../../support/netns.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GCHANNELS = 0x3c;
const ETHTOOL_SCHANNELS = 0x3d;
/** Words of struct ethtool_channels: the numbers of queues that receive and send. */
const RECEIVING = 5;
const SENDING = 6;

/** @returns the error, or an empty text */
export function setQueues(host: Host, name: string, queues: number): string {
  const { stdout } = Bun.spawnSync(host.command([process.execPath, import.meta.path, name, `${queues}`]), {
    stderr: "inherit",
  });
  return stdout.toString().trim();
}

if (import.meta.main) {
  const [name, queues] = process.argv.slice(2) as [string, string];
  const { socket, ioctl } = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  }).symbols;
  const channels = new Uint32Array(9);
  const request = new DataView(new ArrayBuffer(40));
  new TextEncoder().encodeInto(name, new Uint8Array(request.buffer));
  request.setBigUint64(16, BigInt(ptr(channels)), true);
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  channels[0] = ETHTOOL_GCHANNELS;
  let failed = ioctl(fd, SIOCETHTOOL, ptr(request.buffer)) < 0;
  channels[0] = ETHTOOL_SCHANNELS;
  channels[RECEIVING] = Number(queues);
  channels[SENDING] = Number(queues);
  failed ||= ioctl(fd, SIOCETHTOOL, ptr(request.buffer)) < 0;
  if (failed) console.log("refused");
}
