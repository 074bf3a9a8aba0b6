/**
 * The least that a server on Bun.udpSocket can do, on a socket as the transport `udp` has it: each datagram goes back as it came.
 * Prints its port as JSON, ends by a signal. Linux.
 */
import { bindSocket, DEFAULT_RECEIVE_BUFFER } from "../../../src/transport/socket.ts";

const { fd, port } = await bindSocket({ host: "127.0.0.1", port: 0, receiveBuffer: DEFAULT_RECEIVE_BUFFER });
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
