/**
 * The least that a server on Bun.udpSocket can cost, on a socket like that of the `udp` transport. Sends each packet
 * back. Prints its port as JSON and runs until a signal ends it. Linux.
 */
import { parseAddress } from "../../../src/transport/host.ts";
import { bindSocket, DEFAULT_RECEIVE_BUFFER } from "../../../src/transport/socket.ts";
import { optionsOf } from "../../options.ts";

optionsOf({
  command: "bun bench/server/echo/udp.ts",
  about: `Sends each UDP packet back, with Bun.udpSocket: the least that a server can cost on it. Prints its port as one line
of JSON and runs until a signal ends it. Linux only.`,
  flags: {},
});
const { fd, port } = bindSocket({ address: parseAddress("127.0.0.1"), port: 0, receiveBuffer: DEFAULT_RECEIVE_BUFFER });
const options: Bun.udp.SocketOptions<"buffer"> & { fd: number } = {
  fd,
  socket: {
    data(socket, datagram, port, address) {
      socket.send(datagram, port, address);
    },
    error() {},
  },
};
await Bun.udpSocket(options);
console.log(JSON.stringify({ port }));
