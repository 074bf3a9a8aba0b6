/**
 * Virtual hosts: network namespaces with cables (veth pairs) between them. No packet leaves this machine. A namespace exists
 * as long as its holder process. That process ends when its standard input is closed, also when a test crashes. So nothing is
 * left behind.
 */
import type { Subprocess } from "bun";
import { insideNamespace } from "./namespace.ts";
import { until } from "./time-limits.ts";

/** The reason that `testIf` gives when it skips a test. */
export const NEEDS_NETNS = "needs network namespaces: Linux, root, unshare, nsenter, ip";

export const hasNetns: boolean =
  process.platform === "linux" &&
  ["unshare", "nsenter", "ip", "sh"].every((tool) => Bun.which(tool) !== null) &&
  Bun.spawnSync(["unshare", "-n", "ip", "link", "set", "lo", "up"]).exitCode === 0;

// Without duplicate address detection: it would keep IPv6 from sending anything for seconds.
const HOLD = `
for conf in all default; do echo 0 > /proc/sys/net/ipv6/conf/$conf/accept_dad; done
ip link set lo up
echo ready
exec cat`;

export class Host implements AsyncDisposable {
  readonly #holder: Subprocess<"pipe", "pipe", "inherit">;

  private constructor(holder: Subprocess<"pipe", "pipe", "inherit">) {
    this.#holder = holder;
  }

  static async create(): Promise<Host> {
    const holder = Bun.spawn(["unshare", "-n", "sh", "-c", HOLD], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    const host = new Host(holder);
    for await (const _ready of holder.stdout) return host;
    throw new Error("no network namespace");
  }

  /** Adds a cable from interface `name` of this host to interface `peerName` of `peer`. Both are down at first. */
  cable(name: string, peer: Host, peerName: string, queues = 1): void {
    const ends = `numrxqueues ${queues} numtxqueues ${queues}`;
    this.run(`ip link add ${name} ${ends} type veth peer name ${peerName} ${ends} netns ${peer.#holder.pid}`);
  }

  /** Moves an interface of another host to this one. It is down afterwards, and has no addresses. */
  take(from: Host, name: string): void {
    from.run(`ip link set ${name} netns ${this.#holder.pid}`);
  }

  /** Runs a shell command in this host. @throws {Error} if it fails */
  run(command: string): string {
    const { exitCode, stdout, stderr } = Bun.spawnSync(this.command(["sh", "-ec", command]));
    if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
    return stdout.toString();
  }

  /** Waits until the kernel reports that the interface is up, because both ends of its cable are. */
  async linked(name: string): Promise<void> {
    await until(() => / UP /.test(this.run(`ip -br link show ${name}`)), `${name} to come up`);
  }

  /** The command that runs `command` in this host. */
  command(command: string[]): string[] {
    return ["nsenter", `--net=${this.namespace}`, ...command];
  }

  /** The file of this host's network namespace, for {@link insideNamespace}. */
  get namespace(): string {
    return `/proc/${this.#holder.pid}/ns/net`;
  }

  /** Calls `run` with this thread in this host; see {@link insideNamespace}. */
  inside<T>(run: () => T): T {
    return insideNamespace(this.namespace, run);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.stdin.end();
    await this.#holder.exited;
  }
}

/** Two hosts and a cable from `a0` to `b0`, both up: 10.9.0.1 and 10.9.0.2, and IPv6 link-local addresses. */
export async function twoHosts({
  ipv4 = true,
  ipv6 = true,
  queues = 1,
} = {}): Promise<AsyncDisposable & { a: Host; b: Host }> {
  const [a, b] = await Promise.all([Host.create(), Host.create()]);
  a.cable("a0", b, "b0", queues);
  const setUp = (host: Host, name: string, address: string) =>
    host.run(
      `${ipv6 ? "" : "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6;"}
       ${ipv4 ? `ip addr add ${address}/24 dev ${name};` : ""} ip link set ${name} up`,
    );
  setUp(a, "a0", "10.9.0.1");
  setUp(b, "b0", "10.9.0.2");
  await Promise.all([a.linked("a0"), b.linked("b0")]);
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
    },
  };
}
