/**
 * The floor: the least that a server can cost on the system calls of the `mmsg` transport. Sends each packet back
 * unread. Prints its port as JSON and runs until a signal ends it. Linux.
 */
import { ptr } from "bun:ffi";
import { Datagrams } from "../../../src/transport/datagrams.ts";
import { parseAddress } from "../../../src/transport/host.ts";
import { loadLibc, MSG_WAITFORONE } from "../../../src/transport/libc.ts";
import { bindSocket, DEFAULT_RECEIVE_BUFFER, SOCKADDR_IN6_SIZE } from "../../../src/transport/socket.ts";
import { oneOf, optionsOf, text, wholeNumber } from "../../options.ts";

const BATCH = 64;
const PACKET_SPACE = 2048;

const { host, port, share } = optionsOf({
  command: "bun bench/server/echo/mmsg.ts",
  about: `Sends each UDP packet back unread, with recvmmsg and sendmmsg: the least that a server can cost on them. Prints its
port as one line of JSON and runs until a signal ends it. Linux only.`,
  flags: {
    host: text({ value: "<address>", default: "127.0.0.1", help: "address to listen on" }),
    port: wholeNumber({ min: 0, max: 65_535, default: 0, help: "UDP port; 0 takes a free one" }),
    share: oneOf({
      names: ["first", "join"],
      value: "<role>",
      default: undefined,
      help: `share the port with other echoes, as the workers of a server do:
first opens it, join uses the port of a first one`,
    }),
  },
});
const { call, recvmmsg, sendmmsg } = loadLibc();
const socket = bindSocket({
  address: parseAddress(host),
  port,
  receiveBuffer: DEFAULT_RECEIVE_BUFFER,
  reusePort: share,
  timeoutMs: 1000,
});
const packets = new Uint8Array(BATCH * PACKET_SPACE);
const names = new Uint8Array(BATCH * SOCKADDR_IN6_SIZE);
const datagrams = new Datagrams(BATCH, SOCKADDR_IN6_SIZE);
for (let i = 0; i < BATCH; i++) {
  datagrams.setName(i, ptr(names) + i * SOCKADDR_IN6_SIZE);
  datagrams.setBase(i, ptr(packets) + i * PACKET_SPACE);
  datagrams.setLength(i, PACKET_SPACE);
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
    datagrams.setLength(i, PACKET_SPACE);
    datagrams.resetName(i, SOCKADDR_IN6_SIZE);
  }
}
