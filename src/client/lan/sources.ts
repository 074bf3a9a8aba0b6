/**
 * The sources whose announcements the LAN accepts: the programs of this host, and hosts on a directly connected network of an
 * interface in use. Packets that a router forwarded come from another LAN.
 */
import type { BlockList } from "node:net";
import { builtin } from "../builtin.ts";
import { type Interfaces, isLinkLocal } from "./interfaces.ts";

/** Bounds the memory that invented sources can use. Beyond it the verdicts are forgotten and found again. */
const MAX_VERDICTS = 4_096;

export class Sources {
  /** Node's class is named after its first use, to refuse peers. Here it is a list of the networks that are believed. */
  #networks: BlockList | undefined;
  /** Names and indexes of the interfaces in use: either is the zone of a link-local address, by system. */
  #zones = new Set<string>();
  /** By address as the runtime gives it, because to parse it costs a microsecond or more per datagram. */
  readonly #verdicts = new Map<string, boolean>();

  /**
   * @param all - the interfaces of this host, whose own addresses are believed
   * @param used - those whose networks are believed as well
   */
  update(all: Interfaces, used: Interfaces): void {
    const { BlockList } = builtin<typeof import("node:net")>("node:net");
    this.#networks = new BlockList();
    this.#zones = new Set();
    this.#verdicts.clear();
    for (const name in all) {
      for (const { address, cidr, family, internal, scopeid } of all[name]!) {
        if (isLinkLocal(address)) {
          if (used[name] !== undefined) this.#zones.add(name).add(String(scopeid));
          continue;
        }
        const prefix = cidr?.split("/")[1];
        const type = family === "IPv4" ? "ipv4" : "ipv6";
        if (prefix === undefined || (used[name] === undefined && !internal)) this.#networks.addAddress(address, type);
        else this.#networks.addSubnet(address, Number(prefix), type);
      }
    }
  }

  /** @param address - of a datagram's source: `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0` */
  includes(address: string): boolean {
    let verdict = this.#verdicts.get(address);
    if (verdict === undefined) {
      if (this.#verdicts.size >= MAX_VERDICTS) this.#verdicts.clear();
      verdict = isLinkLocal(address)
        ? this.#zones.has(address.slice(address.indexOf("%") + 1))
        : this.#networks?.check(address, address.includes(":") ? "ipv6" : "ipv4") === true;
      this.#verdicts.set(address, verdict);
    }
    return verdict;
  }
}
