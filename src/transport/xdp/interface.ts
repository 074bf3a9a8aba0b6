/** What the system tells of a network interface: its number, queues and addresses. */
import { CString, type Pointer, ptr, read } from "bun:ffi";
import { type HostAddress, parseAddress } from "../host.ts";
import { covers, isSame } from "../hosts.ts";
import { AF_INET, AF_INET6, type Libc, loadLibc, SOCK_CLOEXEC, SOCK_DGRAM } from "../libc.ts";
import { eachAddress, ipv4, ipv6 } from "../local-addresses.ts";
import { checked } from "../socket.ts";
import { AF_PACKET, loadXdpLibrary } from "./libc.ts";
import { KEY_ADDRESS, KEY_SIZE, NO_SOURCE, OWN_ADDRESS } from "./program.ts";

const MAX_NAME = 15;
/* struct ifaddrs: name, netmask. */
const NAME = 8;
const NETMASK = 32;
/* struct sockaddr_ll: kind of hardware, address. */
const HARDWARE = 8;
const ETHERNET_BYTES = 12;
const ETHERNET_ADDRESS_SIZE = 6;
/** ARPHRD_ETHER. The loopback interface has another kind, although its address is as long. */
const HARDWARE_ETHERNET = 1;
/* struct sockaddr_in. */
const IPV4_BYTES = 4;

/** ioctl for struct ifreq {name: 16 bytes, pointer}. */
const SIOCETHTOOL = 0x8946;
const IFREQ_SIZE = 40;
const IFREQ_DATA = 16;
/** struct ethtool_channels: nine words. The command, four maxima, then the numbers of channels that receive, send, do both. */
const ETHTOOL_GCHANNELS = 0x3c;
const CHANNEL_WORDS = 9;
const RECEIVING = 5;
const SENDING = 6;
const COMBINED = 8;

/** Whether an interface can have this name. */
export function isInterfaceName(name: string): boolean {
  return /^[^\s/:\0]+$/.test(name) && new TextEncoder().encode(name).length <= MAX_NAME;
}

/** The number of an interface; undefined if there is none of that name now. */
export function interfaceIndex(libc: Libc, name: string): number | undefined {
  return libc.call.if_nametoindex(new TextEncoder().encode(`${name}\0`)) || undefined;
}

/** The number of queues that an AF_XDP socket can have: those that both receive and send. 1 where the driver does not tell. */
export function queueCount(libc: Libc, name: string): number {
  const channels = new Uint32Array(new ArrayBuffer(CHANNEL_WORDS * 4));
  channels[0] = ETHTOOL_GCHANNELS;
  const request = new DataView(new ArrayBuffer(IFREQ_SIZE));
  new TextEncoder().encodeInto(name, new Uint8Array(request.buffer, 0, MAX_NAME));
  request.setBigUint64(IFREQ_DATA, BigInt(ptr(channels)), true);
  const fd = checked(libc, "socket", libc.call.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    if (loadXdpLibrary().ioctl(fd, SIOCETHTOOL, ptr(request.buffer)) < 0) return 1;
  } finally {
    libc.call.close(fd);
  }
  return Math.max(1, Math.min(channels[RECEIVING]!, channels[SENDING]!) + channels[COMBINED]!);
}

/** {@link queueCount}; undefined if there is no such interface, or this is not Linux. */
export function xdpQueues(name: string): number | undefined {
  let libc: Libc;
  try {
    libc = loadLibc();
  } catch {
    return undefined;
  }
  return interfaceIndex(libc, name) === undefined ? undefined : queueCount(libc, name);
}

/** The name by which the list of addresses has an interface: it may have others. Empty if there is none of that number now. */
function interfaceName(libc: Libc, index: number): string {
  const name = new Uint8Array(MAX_NAME + 1);
  libc.call.if_indextoname(index, ptr(name));
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}

/** An entry of the program's map of addresses. */
export interface AddressEntry {
  readonly key: Uint8Array;
  readonly value: number;
}

/**
 * The entries for an interface: its addresses; and as addresses that no packet comes from, those of other interfaces, and the
 * broadcast addresses of all networks.
 *
 * @param hosts - where the server listens. Other addresses of the interface are not the program's to answer
 * @returns by their text; undefined if this is no Ethernet interface
 * @throws {Error} a system error
 */
export function addressEntries(
  libc: Libc,
  index: number,
  hosts: readonly HostAddress[],
): Map<string, AddressEntry> | undefined {
  const name = interfaceName(libc, index);
  let ethernet: Uint8Array | undefined;
  const addresses = new Map<string, number>();
  eachAddress(libc, (family, address, entry) => {
    // IPv4 addresses may have labels, such as eth0:1.
    const isOfInterface = new CString(read.ptr(entry, NAME) as Pointer).split(":")[0] === name;
    if (isOfInterface && family === AF_PACKET) ethernet = ethernetAddress(address);
    if (family !== AF_INET && family !== AF_INET6) return;
    const text = family === AF_INET ? ipv4(address) : ipv6(address);
    const own = parseAddress(text);
    // A link-local address of another interface may be that of another host here.
    if (!isOfInterface && own.zone !== "") return;
    const listens = isOfInterface && hosts.some((host) => covers(host, own) || isSame(host, own));
    if (listens) addresses.set(text, OWN_ADDRESS);
    const broadcast = family === AF_INET ? broadcastOf(address, read.ptr(entry, NETMASK) as Pointer) : undefined;
    for (const other of [text, broadcast]) {
      if (other !== undefined && !addresses.has(other)) addresses.set(other, NO_SOURCE);
    }
  });
  if (ethernet === undefined) return undefined;
  const key = (text: string) => {
    const bytes = new Uint8Array(KEY_SIZE);
    bytes.set(ethernet!);
    bytes.set(parseAddress(text).bytes, KEY_ADDRESS);
    return bytes;
  };
  return new Map(
    [...addresses].map(([text, value]) => {
      const bytes = key(text);
      return [`${bytes.toHex()} ${value}`, { key: bytes, value }] as const;
    }),
  );
}

/** The Ethernet address in struct sockaddr_ll; undefined for another kind of interface. */
function ethernetAddress(address: Pointer): Uint8Array | undefined {
  if (read.u16(address, HARDWARE) !== HARDWARE_ETHERNET) return undefined;
  return Uint8Array.from({ length: ETHERNET_ADDRESS_SIZE }, (_, i) => read.u8(address, ETHERNET_BYTES + i));
}

/** The broadcast address of the network of an IPv4 address. Networks of one or two addresses have none (RFC 3021). */
function broadcastOf(address: Pointer, netmask: Pointer): string | undefined {
  if (netmask === 0) return undefined;
  const hostBits = [0, 1, 2, 3].map((i) => ~read.u8(netmask, IPV4_BYTES + i) & 0xff);
  if (hostBits.join() === "0,0,0,0" || hostBits.join() === "0,0,0,1") return undefined;
  return hostBits.map((bits, i) => bits | read.u8(address, IPV4_BYTES + i)).join(".");
}
