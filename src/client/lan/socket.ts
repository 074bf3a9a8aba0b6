/** The sockets of the LAN's port. They share it, so that several programs of this host can listen at the same time. */
import { DiscoveryError } from "../error.ts";

export type Family = "IPv4" | "IPv6";
export type LanSocket = Bun.udp.Socket<"buffer">;

/** Bun's undocumented `flags`. Bun ignores `reusePort` for UDP. */
const REUSE_PORT = 4;
const IPV6_ONLY = 8;
const REUSE_ADDRESS = 16;

/** Linux lets two sockets share a port if they have one of these flags in common. With both, any choice of the other fits. */
const SHARED = REUSE_PORT | REUSE_ADDRESS;

const ANY = { IPv4: "0.0.0.0", IPv6: "::" };

/**
 * Opens a socket that receives all broadcasts and multicasts to `port`, beside those of other programs. It is unref'd: it
 * does not keep the process running.
 *
 * @throws {DiscoveryError} code EADDRINUSE if another program uses the port and does not share it; EAFNOSUPPORT, for
 *   instance, if the host has no such family
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
      // Without a handler, an error that the network reports ends the process. Bun passes only the error, although its
      // types have the socket as well.
      error: (...args: unknown[]) => onError(args.at(-1)),
    });
    socket.unref();
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
        ? `UDP port ${port} (${family}) is in use by another program that does not share it: end that program first`
        : `UDP port ${port} cannot be opened for ${family}: ${code}`,
      { code, cause },
    );
  }
}

/** Whether another program could open the port beside {@link openLanSocket}. That depends on flags that Bun does not document. */
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

/** The system's error code, or else the error's message. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return "code" in error && typeof error.code === "string" ? error.code : error.message;
  return String(error);
}
