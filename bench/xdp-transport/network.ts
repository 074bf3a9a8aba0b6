/**
 * Two virtual hosts, one for the servers and one for the load, and a cable (veth pair) for each server: a server with the
 * transport xdp attaches a program to its interface, and that must not make the way of the others' packets longer. The
 * cables are all the same. No packet leaves this machine.
 *
 * ```
 *  servers                          load
 *  10.90.0.1  srv0 ── cable ── ld0  10.100.0.0/16   echo
 *  10.90.1.1  srv1 ── cable ── ld1  10.101.0.0/16   a server
 *  …
 * ```
 */
import { Host } from "../../tests/support/netns.ts";

/** The addresses of the load's networks end here. */
const MAX_CABLES = 150;

export interface Cable {
  /** Name of the interface at the server's end. */
  readonly interface: string;
  readonly server: string;
  /** First address of the load. All addresses of its network are the load's. */
  readonly source: string;
}

export interface BenchNetwork extends AsyncDisposable {
  readonly servers: Host;
  readonly load: Host;
  readonly cables: readonly Cable[];
}

/** @throws {Error} if there would be too many cables, or the kernel refuses */
export async function createNetwork(count: number): Promise<BenchNetwork> {
  if (count > MAX_CABLES) throw new Error(`${count} servers are too many: there is room for ${MAX_CABLES}`);
  const [servers, load] = await Promise.all([Host.create(), Host.create()]);
  const network: BenchNetwork = {
    servers,
    load,
    cables: Array.from({ length: count }, (_, n) => cable(n)),
    async [Symbol.asyncDispose]() {
      await Promise.all([servers[Symbol.asyncDispose](), load[Symbol.asyncDispose]()]);
    },
  };
  try {
    // Without IPv6, no interface sends packets of its own.
    for (const host of [servers, load]) host.run("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
    for (let n = 0; n < count; n++) servers.cable(`srv${n}`, load, `ld${n}`);
    servers.run(network.cables.map((_, n) => serverEnd(n)).join("\n"));
    load.run(network.cables.map((_, n) => loadEnd(n)).join("\n"));
    for (let n = 0; n < count; n++) await Promise.all([servers.linked(`srv${n}`), load.linked(`ld${n}`)]);
    return network;
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
}

function cable(n: number): Cable {
  return { interface: `srv${n}`, server: `10.90.${n}.1`, source: `10.${100 + n}.0.1` };
}

function mac(n: number, end: 1 | 2): string {
  return `02:00:00:00:${n.toString(16).padStart(2, "0")}:0${end}`;
}

/** Both ends know each other's addresses, so that none of them is asked for during a measurement. */
function serverEnd(n: number): string {
  return `ip link set srv${n} address ${mac(n, 1)}
ip addr add 10.90.${n}.1/24 dev srv${n}
ip link set srv${n} up
ip neigh add 10.90.${n}.2 lladdr ${mac(n, 2)} dev srv${n} nud permanent
ip route add 10.${100 + n}.0.0/16 via 10.90.${n}.2 dev srv${n}`;
}

/** With a local route, a socket can be bound to any address of a network. */
function loadEnd(n: number): string {
  return `ip link set ld${n} address ${mac(n, 2)}
ip addr add 10.90.${n}.2/24 dev ld${n}
ip link set ld${n} up
ip neigh add 10.90.${n}.1 lladdr ${mac(n, 1)} dev ld${n} nud permanent
ip route add local 10.${100 + n}.0.0/16 dev lo`;
}

/** Datagrams that the kernel's UDP has received for the servers so far. */
export function kernelDatagrams({ servers }: BenchNetwork): number {
  const [names, values] = [...servers.run("cat /proc/net/snmp").matchAll(/^Udp: (.*)$/gm)].map(([, list]) =>
    list!.split(" "),
  );
  return Number(values?.[names!.indexOf("InDatagrams")]);
}
