/** A virtual host with clients and one with discovery servers. No packet leaves this machine. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { type Host, twoHosts } from "../../support/netns.ts";

export const PORT = 22025;

/** Addresses of the servers' host, by what happens to packets that are sent to them. */
export const ADDRESSES = {
  v4: { right: "10.9.0.2", refused: "10.9.0.3", dropped: "10.8.0.1", unroutable: "192.0.2.1" },
  v6: { right: "fd09::2", refused: "fd09::3", dropped: "fd08::1", unroutable: "2001:db8::1" },
} as const;

export interface ServerNetwork extends AsyncDisposable {
  readonly client: Host;
  readonly server: Host;
}

/** The client's host is 10.9.0.1 and fd09::1. Discovery servers listen on the right addresses only. */
export async function serverNetwork(): Promise<ServerNetwork> {
  const { a, b, ...hosts } = await twoHosts();
  a.run(`ip addr add fd09::1/64 dev a0
ip route add 10.8.0.0/24 via 10.9.0.2
ip -6 route add fd08::/64 via fd09::2`);
  // A black hole drops packets of others in silence. (The host's own ones would be errors.)
  b.run(`ip addr add 10.9.0.3/24 dev b0
ip addr add fd09::2/64 dev b0
ip addr add fd09::3/64 dev b0
ip route add blackhole 10.8.0.0/24
ip -6 route add blackhole fd08::/64`);
  const script = new URL("./server-host.ts", import.meta.url).pathname;
  const { v4, v6 } = ADDRESSES;
  const command = b.command([process.execPath, script, `${PORT}`, v4.right, v6.right]);
  const servers = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  for await (const _ready of servers.stdout) break;
  return {
    client: a,
    server: b,
    async [Symbol.asyncDispose]() {
      servers.stdin.end();
      await servers.exited;
      await hosts[Symbol.asyncDispose]();
    },
  };
}

/** A script, bundled for Node. */
export async function bundleForNode(script: string): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "whereabouts-client-"));
  const path = join(folder, "script.mjs");
  await build({
    entryPoints: [script],
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    outfile: path,
  });
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
