/** The sockets of the LAN's port. They share it, so that several programs of this host can listen at the same time. */
import { DiscoveryError } from "../error.ts";
import { codeOf, type Family, runtime, type SharedSocket } from "../sockets/index.ts";

/**
 * Opens a socket that receives all broadcasts and multicasts to `port`, beside those of other programs.
 *
 * @throws {DiscoveryError} code EADDRINUSE if another program uses the port and does not share it; EAFNOSUPPORT, for
 *   instance, if the host has no such family
 */
export async function openLanSocket(
  family: Family,
  port: number,
  onDatagram: (datagram: Buffer, address: string) => void,
  onError: (error: Error) => void,
): Promise<SharedSocket> {
  try {
    return await runtime.sockets.share(family, port, { onDatagram, onError });
  } catch (cause) {
    const code = codeOf(cause);
    throw new DiscoveryError(
      "lan",
      code === "EADDRINUSE"
        ? `UDP port ${port} (${family}) is in use by another program that does not share it: end it first`
        : `UDP port ${port} cannot be opened for ${family}: ${code}`,
      { code, cause },
    );
  }
}
