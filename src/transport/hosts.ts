/** Opens the sockets of a transport: one for each host, all on the same port. */
import { EVERY_ADDRESS, type HostAddress, isIpv4, isWildcard, resolveHost } from "./host.ts";
import { loadLibc } from "./libc.ts";
import { type PortSharing, zoneId } from "./socket.ts";

/** With port 0: how many ports are tried until one is free at every host. */
const MAX_PORTS = 32;

/** Where to open one socket. */
export interface Binding {
  readonly address: HostAddress;
  readonly port: number;
  readonly reusePort: PortSharing;
}

/** An open socket. */
export interface Opened {
  readonly port: number;
  readonly address: HostAddress;
  close(): void;
}

export interface Hosts {
  /** Addresses or names. */
  readonly hosts: readonly string[];
  /** 0 takes a port that is free at all hosts. */
  readonly port: number;
  readonly reusePort: PortSharing;
}

/** A host and its addresses, in the order in which to try them. */
interface Wanted {
  readonly host: string;
  readonly addresses: readonly HostAddress[];
}

/**
 * Opens a socket for each host, on the first address of the host that works.
 *
 * @returns the sockets in the order of the hosts. Hosts with the same address share one.
 * @throws {Error} the error of the host that failed, with its name as `host`. No socket stays open
 */
export async function openHosts<Socket extends Opened>(
  { hosts, port, reusePort }: Hosts,
  open: (binding: Binding) => Promise<Socket>,
): Promise<Socket[]> {
  const wanted: Wanted[] = [];
  for (const host of hosts) wanted.push({ host, addresses: await named(host, resolveHost(host)) });
  for (let tries = 1; ; tries++) {
    const sockets: Socket[] = [];
    try {
      await openAll(wanted, { port, reusePort }, open, sockets);
      return inOrder(wanted, sockets);
    } catch (error) {
      for (const socket of sockets) socket.close();
      const { code } = error as NodeJS.ErrnoException;
      // The system chose a port that was free at the first host, but not at this one.
      const again = port === 0 && sockets.length > 0 && code === "EADDRINUSE" && tries < MAX_PORTS;
      if (!again) throw error;
    }
  }
}

async function openAll<Socket extends Opened>(
  wanted: readonly Wanted[],
  { port, reusePort }: Pick<Hosts, "port" | "reusePort">,
  open: (binding: Binding) => Promise<Socket>,
  sockets: Socket[],
): Promise<void> {
  // The wider ones first: if no other program has the port at every address, none has it at one of them.
  for (const { host, addresses } of wanted.toSorted((a, b) => width(b) - width(a))) {
    for (const [i, address] of addresses.entries()) {
      if (sockets.some((socket) => isSame(socket.address, address))) break;
      const within = sockets.some((socket) => covers(socket.address, address));
      const binding = { address, port: sockets[0]?.port ?? port, reusePort: within ? "join" : reusePort } as const;
      try {
        sockets.push(await named(host, open(binding)));
        break;
      } catch (error) {
        // A name may resolve to ::1 on a host without IPv6: try its next address.
        const { code } = error as NodeJS.ErrnoException;
        const absent = code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
        if (!absent || i === addresses.length - 1) throw error;
      }
    }
  }
}

function inOrder<Socket extends Opened>(wanted: readonly Wanted[], sockets: readonly Socket[]): Socket[] {
  const position = ({ address }: Socket) =>
    wanted.findIndex(({ addresses }) => addresses.some((other) => isSame(other, address)));
  return sockets.toSorted((a, b) => position(a) - position(b));
}

/** Adds the host to the error with which `promise` rejects. */
async function named<T>(host: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw Object.assign(error as Error, { host: host === EVERY_ADDRESS ? "::" : host });
  }
}

export function isSame(a: HostAddress, b: HostAddress): boolean {
  return zoneNumber(a.zone) === zoneNumber(b.zone) && a.bytes.every((byte, i) => byte === b.bytes[i]);
}

/** A zone as the number of its interface, if that is known. */
function zoneNumber(zone: string): number | string {
  if (zone === "") return zone;
  try {
    return zoneId(loadLibc(), zone);
  } catch {
    return zone;
  }
}

/** Whether a socket on `wide` also receives what is sent to `address`. */
export function covers(wide: HostAddress, address: HostAddress): boolean {
  return isWildcard(wide) && (!isIpv4(wide) || isIpv4(address));
}

function width({ addresses }: Wanted): number {
  const [first] = addresses as [HostAddress];
  return isWildcard(first) ? (isIpv4(first) ? 1 : 2) : 0;
}
