/** Servers with the transport xdp, on virtual hosts. */
import { expect, setDefaultTimeout } from "bun:test";
import type { ResolvedServerOptions, ServerStats } from "../../../src/server/index.ts";
import type { XdpStatus } from "../../../src/transport/xdp/status.ts";
import { OutputLines } from "../../support/command.ts";
import { testIf } from "../../support/needs.ts";
import { type Host, twoHosts } from "../../support/netns.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { hasXdp, NEEDS_XDP } from "../../support/xdp.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const check = testIf(hasXdp, NEEDS_XDP);
const ASK = new URL("../../transport/client-in-namespace.ts", import.meta.url).pathname;

/** Runs a script on a host. It prints a line of JSON at its start, and one for each `more()`. */
function script(on: Host, file: URL) {
  const child = Bun.spawn(on.command([process.execPath, file.pathname]), {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = new OutputLines(child.stdout);
  const next = async <T>(): Promise<T> => JSON.parse(await lines.next(/./));
  return {
    child,
    lines,
    next,
    async more<T>(): Promise<T> {
      child.stdin.write("\n");
      child.stdin.flush();
      return await next();
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await child.exited;
    },
  };
}

async function ask(on: Host, from: string, to: string): Promise<string> {
  const child = Bun.spawn(on.command([process.execPath, ASK, "ask", from, to, "22025"]), { stdout: "pipe" });
  return (await child.stdout.text()).trim();
}

const replyTo = (...ip: number[]) => announcement(ascii("NODE"), 4711, Uint8Array.from(ip)).toHex();

check("sockets that a server is given get the packets that the program of xdp passes on", async () => {
  await using hosts = await twoHosts();
  const { a, b } = hosts;
  await using server = script(b, new URL("./given-sockets.ts", import.meta.url));
  const { transport, sockets } = await server.next<ResolvedServerOptions>();
  expect({ transport, sockets: sockets.length }).toEqual({ transport: "xdp", sockets: 1 });
  expect(await ask(a, "0.0.0.0", "10.9.0.2")).toBe(replyTo(10, 9, 0, 1));
  const first = await server.more<ServerStats>();
  expect(first).toMatchObject({ nodes: 1, xdp: { served: 1, received: 2, sent: 1 } });
  expect(await ask(b, "127.0.0.1", "127.0.0.1")).toBe(replyTo(127, 0, 0, 1));
  const then = await server.more<ServerStats>();
  expect(then.xdp).toEqual(first.xdp);
  expect(then.verdicts.answered - first.verdicts.answered).toBe(1);
  server.child.stdin.end();
  await server.lines.next(/^still bound to port 22025$/);
  expect(await server.child.exited).toBe(0);
  expect(b.run("ip -d link show b0")).not.toContain("xdp");
});

check("a frame for which a queue has no room counts as dropped, once", async () => {
  await using hosts = await twoHosts();
  const { a, b } = hosts;
  await using queue = script(b, new URL("./unread-queue.ts", import.meta.url));
  const frames = await queue.next<number>();
  const send = `const s = await Bun.udpSocket({}); for (let i = 0; i < ${2 * frames}; i++) s.send("x", 22025, "10.9.0.2");`;
  a.run(`${process.execPath} -e '${send} s.close()'`);
  let status = await queue.more<XdpStatus>();
  while (status.dropped === 0) status = await queue.more<XdpStatus>();
  expect(status).toMatchObject({ served: 1, received: 0 });
  // The cable may have lost some.
  expect(status.dropped).toBeWithin(1, frames + 1);
});
