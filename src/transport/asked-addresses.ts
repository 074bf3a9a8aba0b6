/**
 * The address of this host that each received datagram was sent to, so that the reply can leave from it. A client with a
 * connected socket ignores a reply from another address.
 *
 * The kernel reports the address as control data: a struct cmsghdr, then a struct in6_pktinfo (IPv6 sockets; IPv4 addresses
 * are mapped) or in_pktinfo (IPv4 sockets). `sendmmsg` takes the same data as the source of the reply. Linux, 64 bits,
 * little-endian.
 */
import { ptr } from "bun:ffi";
import { IPV4_MAPPED } from "../../assembly/layout.ts";
import type { Datagrams } from "./datagrams.ts";

/* Offsets in 32-bit words. struct cmsghdr: a length of 64 bits, level and type. */
const DATA = 4;
const IPV6_ADDRESS = DATA;
const IPV6_INTERFACE = DATA + 4;
const IPV4_INTERFACE = DATA;
/** Size of cmsghdr with in6_pktinfo or in_pktinfo, in bytes: without padding (CMSG_LEN), then with it (CMSG_SPACE). */
const IPV6_SIZE = 36;
const IPV6_SPACE = 40;
const IPV4_SIZE = 28;
const IPV4_SPACE = 32;

export class AskedAddresses {
  readonly #ipv4: boolean;
  readonly #words: Int32Array;
  /** Bytes of control data per slot: what the kernel reports, and, without its padding, what it takes. */
  readonly #space: number;
  readonly #size: number;
  readonly #at: number;
  /** By slot: length of the control data for the reply. 0: the kernel chooses the source. */
  readonly #lengths: Uint8Array;

  /** Has the kernel write the control data of each datagram of `inbox` here. */
  constructor(inbox: Datagrams, ipv4: boolean) {
    const { count } = inbox;
    this.#ipv4 = ipv4;
    this.#space = ipv4 ? IPV4_SPACE : IPV6_SPACE;
    // sendmmsg would take the padding as well. But with it, the data of IPv6 does not fit into the kernel's own buffer, so it
    // would allocate memory for each reply.
    this.#size = ipv4 ? IPV4_SIZE : IPV6_SIZE;
    this.#lengths = new Uint8Array(count);
    // An explicit ArrayBuffer does not move.
    const buffer = new ArrayBuffer(count * this.#space);
    this.#words = new Int32Array(buffer);
    this.#at = ptr(buffer);
    for (let slot = 0; slot < count; slot++) inbox.setControl(slot, this.#pointer(slot), this.#space);
  }

  /** Turns what the kernel reported with a received datagram into the source of its reply. */
  receive(slot: number, inbox: Datagrams): void {
    const complete = inbox.controlLength(slot) === this.#space && !inbox.controlTruncated(slot);
    inbox.setControlLength(slot, this.#space);
    this.#lengths[slot] = complete && this.#prepare((slot * this.#space) >>> 2) ? this.#size : 0;
  }

  /** Sets the source of reply `i` of `outbox`, which answers the datagram in `slot`. */
  reply(slot: number, outbox: Datagrams, i: number): void {
    outbox.setControl(i, this.#pointer(slot), this.#lengths[slot]!);
  }

  /**
   * Clears the interface, which would bypass routing. Only link-local addresses need it.
   *
   * @returns whether a reply can leave from the address
   */
  #prepare(at: number): boolean {
    const words = this.#words;
    if (this.#ipv4) {
      // The kernel sends from the second field. It has chosen it for replies: a local address also if the datagram was
      // broadcast.
      words[at + IPV4_INTERFACE] = 0;
      return true;
    }
    const first = words[at + IPV6_ADDRESS]!;
    if ((first & 0xc0ff) !== 0x80fe) words[at + IPV6_INTERFACE] = 0;
    if ((first & 0xff) === 0xff) return false;
    // IPv4 multicast, 224.0.0.0/4, and broadcast, 255.255.255.255. A send from another broadcast address fails.
    return words[at + IPV6_ADDRESS + 2] !== (IPV4_MAPPED | 0) || (words[at + IPV6_ADDRESS + 3]! & 0xe0) !== 0xe0;
  }

  #pointer(slot: number): number {
    return this.#at + slot * this.#space;
  }
}
