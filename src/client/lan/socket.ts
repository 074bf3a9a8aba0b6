/** The sockets of the LAN's port, which every program of this host can listen on at the same time. */
import { DiscoveryError } from "../error.ts";

export type Family = "IPv4" | "IPv6";
export type LanSocket = Bun.udp.Socket<"buffer">;

/** Bun's undocumented `flags`. Bun ignores `reusePort` for UDP. */
const REUSE_PORT = 4;
const IPV6_ONLY = 8;
const REUSE_ADDRESS = 16;

/** Both: Linux lets two share that have either one in common, so this one gets along with whatever the other program set. */
const SHARED = REUSE_PORT | REUSE_ADDRESS;

const ANY = { IPv4: "0.0.0.0", IPv6: "::" };

/**
 * A socket that hears all broadcasts and multicasts to `port`, whoever else listens there.
 *
 * @throws {DiscoveryError} if there cannot be one: code EADDRINUSE if a program holds the port that does not share it,
 *   EAFNOSUPPORT say where there is no such family
 */
export async function openLanSocket(
  family: Family,
  port: number,
  receive: (datagram: Uint8Array, address: string) => void,
  onError: (error: unknown) => void,
): Promise<LanSocket> {
  try {
    const socket = await bind(family, port, {
      data: (_socket, datagram, _port, address) => receive(datagram, address),
      // Without a handler, an error that the network reports ends the process. Bun calls it with the error alone, not as
      // its types have it.
      error: (...args: unknown[]) => onError(args.at(-1)),
    });
    try {
      if (family === "IPv4") socket.setBroadcast(true);
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  } catch (cause) {
    const code = codeOf(cause);
    throw new DiscoveryError(
      "lan",
      code === "EADDRINUSE"
        ? `UDP port ${port} (${family}) is held by a program that does not share it: end that program, or choose another port`
        : `UDP port ${port} cannot be opened for ${family}: ${code}`,
      { code, cause },
    );
  }
}

/** Whether a second program could listen beside `openLanSocket`'s: it depends on flags that Bun does not promise. */
export async function isShared(family: Family, port: number): Promise<boolean> {
  try {
    const second = await bind(family, port, { error() {} });
    second.close();
    return true;
  } catch (error) {
    return codeOf(error) !== "EADDRINUSE";
  }
}

function bind(family: Family, port: number, socket: Bun.udp.SocketHandler<"buffer">): Promise<LanSocket> {
  const flags = family === "IPv6" ? SHARED | IPV6_ONLY : SHARED;
  return Bun.udpSocket({ hostname: ANY[family], port, socket, flags } as Bun.udp.SocketOptions<"buffer">);
}

/** The system's name of what went wrong, or what else the error says of itself. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return "code" in error && typeof error.code === "string" ? error.code : error.message;
  return String(error);
}
