/**
 * Three virtual hosts and two cables: honest clients, the server, attackers. No packet leaves this machine.
 *
 * ```
 *  honest ── 10.20.0.0/16, fd20::/16 ── server 10.10.0.1, fd10::1 ── any other address ── attacker
 * ```
 *
 * Any address of the networks in {@link HONEST} is an honest client's. The replies to all other addresses go to the attacker's
 * cable, whether such a host exists or not: they are counted and dropped there.
 */
import { Host } from "../../tests/support/netns.ts";
import { ATTACKER_INTERFACE, type Family, NAT_ADDRESS, SERVER, SERVER_MAC } from "./addresses.ts";

/** Networks of honest clients. The last two are parts of networks whose other hosts are attackers. */
const HONEST = { v4: ["10.20.0.0/16", "10.40.0.192/26"], v6: ["fd20::/16", "fd40:0:0:8000::/49"] } as const;

/** Nobody has this address, so the attacker's kernel drops replies at once. */
const NOBODY_MAC = "02:00:00:00:00:99";
const GATEWAY = { v4: "10.99.0.1", v6: "fe80::99" } as const;

const NO_FILTER = "for conf in /proc/sys/net/ipv4/conf/*; do echo 0 > $conf/rp_filter; done";

export interface AbuseNetwork extends AsyncDisposable {
  readonly honest: Host;
  readonly server: Host;
  readonly attacker: Host;
}

export async function createNetwork(): Promise<AbuseNetwork> {
  const [honest, server, attacker] = await Promise.all([Host.create(), Host.create(), Host.create()]);
  const network: AbuseNetwork = {
    honest,
    server,
    attacker,
    async [Symbol.asyncDispose]() {
      await Promise.all([honest, server, attacker].map((host) => host[Symbol.asyncDispose]()));
    },
  };
  try {
    honest.cable("honest1", server, "honest0");
    attacker.cable(ATTACKER_INTERFACE, server, "attacker0");
    setUpServer(server, macOf(honest, "honest1"));
    setUpHonest(honest, macOf(server, "honest0"));
    attacker.run(`ip link set ${ATTACKER_INTERFACE} up`);
    await Promise.all([
      honest.linked("honest1"),
      server.linked("honest0"),
      server.linked("attacker0"),
      attacker.linked(ATTACKER_INTERFACE),
    ]);
    return network;
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
}

/** The addresses are on `lo`, and each route names the one that replies leave from. */
function setUpServer(host: Host, honestMac: string): void {
  host.run(`
ip link set attacker0 address ${SERVER_MAC}
ip addr add ${SERVER.v4}/32 dev lo
ip -6 addr add ${SERVER.v6}/128 dev lo
ip link set attacker0 up
ip link set honest0 up
${NO_FILTER}
${gateway("honest0", honestMac)}
${gateway("attacker0", NOBODY_MAC)}
${HONEST.v4.map((network) => route(network, "v4", "honest0")).join("\n")}
${HONEST.v6.map((network) => route(network, "v6", "honest0")).join("\n")}
${route("default", "v4", "attacker0")}
${route("default", "v6", "attacker0")}`);
}

function setUpHonest(host: Host, serverMac: string): void {
  // With a local route, a socket can be bound to any address of a network.
  host.run(`
echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind
ip link set honest1 up
${NO_FILTER}
${gateway("honest1", serverMac)}
${HONEST.v4.map((network) => `ip route add local ${network} dev lo`).join("\n")}
${HONEST.v6.map((network) => `ip -6 route add local ${network} dev lo`).join("\n")}
ip route add local ${NAT_ADDRESS}/32 dev lo
ip route add default via ${GATEWAY.v4} dev honest1 onlink
ip -6 route add default via ${GATEWAY.v6} dev honest1`);
}

/** Makes the next hops of an interface known, so that no address is ever asked for. */
function gateway(name: string, mac: string): string {
  return Object.values(GATEWAY)
    .map((address) => `ip neigh add ${address} lladdr ${mac} dev ${name} nud permanent`)
    .join("\n");
}

function route(network: string, family: Family, name: string): string {
  const ip = family === "v4" ? "ip" : "ip -6";
  return `${ip} route add ${network} via ${GATEWAY[family]} dev ${name} ${family === "v4" ? "onlink" : ""} src ${SERVER[family]}`;
}

function macOf(host: Host, name: string): string {
  return host
    .run(`cat /sys/class/net/${name}/address 2>/dev/null || ip -br link show ${name} | awk '{print $3}'`)
    .trim();
}

/** Packets that arrived at the attacker's interface: the server's replies to it. */
export function repliesToAttacker({ attacker }: AbuseNetwork): number {
  const line = new RegExp(`${ATTACKER_INTERFACE}: *\\d+ +(\\d+)`).exec(attacker.run("cat /proc/net/dev"));
  return Number(line?.[1]);
}

/** Datagrams that the server's kernel dropped because the server's receive buffer was full. */
export function droppedByServer({ server }: AbuseNetwork): number {
  const text = server.run("cat /proc/net/snmp /proc/net/snmp6");
  const [names, values] = [...text.matchAll(/^Udp: (.*)$/gm)].map(([, list]) => list!.split(" "));
  const v6 = /^Udp6RcvbufErrors\s+(\d+)/m.exec(text)?.[1];
  return Number(values?.[names!.indexOf("RcvbufErrors")]) + Number(v6);
}
