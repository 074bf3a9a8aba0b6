/**
 * The least that a server can cost on the system calls of the transport `mmsg`: each packet goes back as it came, unread. Run as
 * `bun echo/mmsg.ts [PORT] [HOST] [first|join]`, by default a free port of 127.0.0.1; `first` and `join` share one port, as the
 * workers of a server do. Prints its port as JSON, ends by a signal. Linux.
 */
import { ptr } from "bun:ffi";
import { Datagrams } from "../../../src/transport/datagrams.ts";
import { loadLibc, MSG_WAITFORONE } from "../../../src/transport/libc.ts";
import { bindSocket, DEFAULT_RECEIVE_BUFFER, SOCKADDR_IN6_SIZE } from "../../../src/transport/socket.ts";

const BATCH = 64;
const ROOM = 2048;

const [port = "0", host = "127.0.0.1", sharing] = process.argv.slice(2);
const { call, recvmmsg, sendmmsg } = loadLibc();
const socket = await bindSocket({
  host,
  port: Number(port),
  receiveBuffer: DEFAULT_RECEIVE_BUFFER,
  reusePort: sharing === "first" || sharing === "join" ? sharing : undefined,
  timeoutMs: 1000,
});
const packets = new Uint8Array(BATCH * ROOM);
const names = new Uint8Array(BATCH * SOCKADDR_IN6_SIZE);
const datagrams = new Datagrams(BATCH, SOCKADDR_IN6_SIZE);
for (let i = 0; i < BATCH; i++) {
  datagrams.setName(i, ptr(names) + i * SOCKADDR_IN6_SIZE);
  datagrams.setBase(i, ptr(packets) + i * ROOM);
  datagrams.setLength(i, ROOM);
}
console.log(JSON.stringify({ port: socket.port }));

for (;;) {
  const count = call.syscall(recvmmsg, socket.fd, datagrams.pointer(0), BATCH, MSG_WAITFORONE, null);
  for (let i = 0; i < count; i++) datagrams.setLength(i, datagrams.received(i));
  for (let next = 0; next < count; ) {
    const sent = call.syscall(sendmmsg, socket.fd, datagrams.pointer(next), count - next, 0, null);
    next += Math.max(1, sent);
  }
  for (let i = 0; i < count; i++) {
    datagrams.setLength(i, ROOM);
    datagrams.resetName(i, SOCKADDR_IN6_SIZE);
  }
}
