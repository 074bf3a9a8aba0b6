/**
 * Virtual hosts on one or several LANs. Each LAN is a bridge in a namespace of its own, the switch, with a cable to each host. No
 * packet leaves this machine.
 *
 * ```
 *  host 0 ─┐              eth0 of each host: 10.1.0.0/16
 *  host 1 ─┼─ switch      eth1 of each host: 10.2.0.0/16 ...
 *  host 2 ─┘              all of them: IPv6 link-local addresses
 * ```
 */
import { Host } from "../../tests/support/netns.ts";

export class Lans implements AsyncDisposable {
  readonly hosts: readonly Host[];
  readonly #switch: Host;

  private constructor(wire: Host, hosts: readonly Host[]) {
    this.#switch = wire;
    this.hosts = hosts;
  }

  /** @param hosts - how many, up to 254 @param lans - how many interfaces each of them has */
  static async create(hosts: number, lans: number): Promise<Lans> {
    const [wire, ...others] = await Promise.all(Array.from({ length: hosts + 1 }, () => Host.create()));
    const network = new Lans(wire!, others);
    try {
      for (let lan = 0; lan < lans; lan++) await network.#connect(lan);
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Packets that a host has sent to the first LAN, and has got from it, so far. */
  packets(host: number): { sent: number; received: number } {
    const text = this.#switch.run("cat /proc/net/dev");
    const line = new RegExp(`\\b${portOf(0, host)}: *(.*)`).exec(text)?.[1];
    if (line === undefined) throw new Error(`no counters of host ${host}`);
    const fields = line.split(/ +/).map(Number);
    return { sent: fields[1]!, received: fields[9]! };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#switch, ...this.hosts].map((host) => host[Symbol.asyncDispose]()));
  }

  async #connect(lan: number): Promise<void> {
    // Without snooping a bridge forwards all multicasts, as simple switches do.
    this.#switch.run(`ip link add lan${lan} type bridge mcast_snooping 0; ip link set lan${lan} up`);
    for (const [i, host] of this.hosts.entries()) {
      const name = `eth${lan}`;
      host.cable(name, this.#switch, portOf(lan, i));
      host.run(`ip addr add ${addressOf(lan, i)}/16 broadcast + dev ${name}; ip link set ${name} up`);
      // Where 255.255.255.255 goes to.
      if (lan === 0) host.run("ip route add default dev eth0");
      this.#switch.run(`ip link set ${portOf(lan, i)} master lan${lan}; ip link set ${portOf(lan, i)} up`);
    }
    await Promise.all(this.hosts.map((host) => host.linked(`eth${lan}`)));
  }
}

/** The IPv4 address of a host on a LAN. Both are counted from 0. */
export function addressOf(lan: number, host: number): string {
  return `10.${lan + 1}.0.${host + 1}`;
}

/** The switch's end of a cable. */
function portOf(lan: number, host: number): string {
  return `lan${lan}p${host}`;
}
