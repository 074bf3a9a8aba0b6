/** The least that a server on Bun.udpSocket can do: each datagram goes back as it came. Prints its port. */
const socket = await Bun.udpSocket({
  hostname: "127.0.0.1",
  socket: {
    data(socket, datagram, port, address) {
      socket.send(datagram, port, address);
    },
    error() {},
  },
});
console.log(JSON.stringify({ port: socket.port }));

export {};
