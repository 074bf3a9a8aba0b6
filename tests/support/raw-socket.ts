/** Sends UDP datagrams with arbitrary headers through a raw socket. Needs root. */
import { dlopen, ptr } from "bun:ffi";

const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_UDP = 17;

/**
 * Sends `payload` from port `from`, which may be 0, to port `to` of 127.0.0.1.
 *
 * @throws {Error} if raw sockets are not permitted
 */
export function sendRaw(payload: Uint8Array, from: number, to: number): void {
  const libc = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    sendto: { args: ["int", "ptr", "u64", "int", "ptr", "u32"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
  });
  const fd = libc.symbols.socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
  if (fd < 0) throw new Error("cannot open a raw socket: it needs root");
  const datagram = new Uint8Array(8 + payload.length);
  const header = new DataView(datagram.buffer);
  header.setUint16(0, from);
  header.setUint16(2, to);
  header.setUint16(4, datagram.length);
  datagram.set(payload, 8);
  const address = new Uint8Array(16);
  new DataView(address.buffer).setUint16(0, AF_INET, true);
  address.set([127, 0, 0, 1], 4);
  const sent = libc.symbols.sendto(fd, ptr(datagram), datagram.length, 0, ptr(address), address.length);
  libc.symbols.close(fd);
  if (Number(sent) !== datagram.length) throw new Error("the raw socket did not send the datagram");
}
