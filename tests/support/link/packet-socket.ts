/** Opens AF_PACKET sockets, which send and receive whole Ethernet frames. Linux; needs CAP_NET_RAW. */
import { type Libc, SOCK_CLOEXEC, systemError } from "../../../src/transport/libc.ts";

export const SOL_PACKET = 263;
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCKADDR_LL_SIZE = 20;

/** Which frames a socket receives: none, or those of all protocols. */
export const RECEIVE_NOTHING = 0;
export const RECEIVE_ALL = 3;

/**
 * Opens a packet socket and binds it to one interface.
 *
 * @param name - the interface
 * @returns its descriptor
 * @throws {Error} a system error with `code`
 */
export function openPacketSocket(libc: Libc, name: string, protocol: number): number {
  const { call } = libc;
  const index = call.if_nametoindex(new TextEncoder().encode(`${name}\0`));
  if (index === 0) throw new Error(`no interface ${name}`);
  // Protocol 0 until it is bound: else it would first receive the frames of all interfaces.
  const fd = call.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError("socket", libc.errno());
  const address = new DataView(new ArrayBuffer(SOCKADDR_LL_SIZE));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, protocol);
  address.setInt32(4, index, true);
  if (call.bind(fd, new Uint8Array(address.buffer), SOCKADDR_LL_SIZE) < 0) {
    const error = libc.errno();
    call.close(fd);
    throw systemError("bind", error);
  }
  return fd;
}
