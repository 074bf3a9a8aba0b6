/**
 * AF_XDP sockets of another program than the server, in a virtual host.
 *
 * - `queue-socket.ts check INTERFACE QUEUES` prints the queues that no socket can have, with the reason, a line each.
 * - `queue-socket.ts hold INTERFACE` has a socket on queue 0 until its standard input ends.
 */
import { loadLibc } from "../../../src/transport/libc.ts";
import { interfaceIndex } from "../../../src/transport/xdp/interface.ts";
import { XdpSocket } from "../../../src/transport/xdp/socket.ts";
import type { Host } from "../../support/netns.ts";

/** The kernel takes a moment to free the queues of an ended process. */
const TRIES = 100;
const FRAMES = 128;

function spawn(host: Host, args: readonly string[]): Bun.Subprocess<"pipe", "pipe", "inherit"> {
  return Bun.spawn(host.command([process.execPath, import.meta.path, ...args]), {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
}

/** The queues of an interface that no socket can have, with the reason. */
export async function busyQueues(host: Host, name: string, queues: number): Promise<string[]> {
  const child = spawn(host, ["check", name, `${queues}`]);
  const lines = (await child.stdout.text()).split("\n").filter((line) => line !== "");
  if ((await child.exited) !== 0) lines.push("the check failed");
  return lines;
}

/** Has a socket on queue 0 until it is disposed of. */
export async function holdQueue(host: Host, name: string): Promise<AsyncDisposable> {
  const child = spawn(host, ["hold", name]);
  for await (const _held of child.stdout) break;
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await child.exited;
    },
  };
}

async function check(index: number, queue: number): Promise<void> {
  let error: Error | undefined;
  for (let left = TRIES; left > 0; left--) {
    error = undefined;
    try {
      new XdpSocket(index, queue, FRAMES).close();
      return;
    } catch (cause) {
      error = cause as Error;
      await Bun.sleep(10);
    }
  }
  console.log(`queue ${queue}: ${error!.message}`);
}

if (import.meta.main) {
  const [what, name, queues] = process.argv.slice(2) as [string, string, string?];
  const index = interfaceIndex(loadLibc(), name)!;
  if (what === "hold") {
    const socket = new XdpSocket(index, 0, FRAMES);
    console.log("held");
    for await (const _ of Bun.stdin.stream());
    socket.close();
  } else for (let queue = 0; queue < Number(queues); queue++) await check(index, queue);
}
