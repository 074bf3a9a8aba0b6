/** The sockets of Node and Electron: `node:dgram`. Bun has it too. */
import type { Socket, SocketOptions } from "node:dgram";
import { builtin } from "../builtin.ts";
import type { ConnectedSocket, SharedSocket, SocketHandlers, Sockets } from "./socket.ts";

export const nodeSockets: Sockets = {
  async connect(ip, port, handlers): Promise<ConnectedSocket> {
    const socket = create({ type: ip.includes(":") ? "udp6" : "udp4" });
    let peer = "";
    const onDatagram = (datagram: Buffer, address: string) => {
      // Datagrams of others may have come before the socket was connected. Under Bun the peer's address lacks its zone.
      if (address === peer || address.startsWith(`${peer}%`)) handlers.onDatagram(datagram, address);
    };
    await opened(socket, "connect", { ...handlers, onDatagram }, () => socket.connect(port, ip));
    peer = socket.remoteAddress().address;
    let closed = false;
    // A packet that is not sent is lost like one in the network. Errors of earlier packets come here too.
    const sent = (error: Error | null) => {
      if (error !== null && !closed) handlers.onError(error);
    };
    return {
      localAddress: socket.address().address,
      send(packets) {
        if (closed) return 0;
        for (const packet of packets) socket.send(packet, sent);
        return packets.length;
      },
      close() {
        if (closed) return;
        closed = true;
        socket.close();
      },
    };
  },

  async share(family, port, handlers): Promise<SharedSocket> {
    const socket = create({ type: family === "IPv6" ? "udp6" : "udp4", reuseAddr: true, ipv6Only: family === "IPv6" });
    // Exclusive: otherwise the workers of a cluster share one socket, and each datagram goes to one of them.
    await opened(socket, "listening", handlers, () => socket.bind({ port, exclusive: true }));
    let closed = false;
    const close = () => {
      if (closed) return;
      closed = true;
      socket.close();
    };
    try {
      if (family === "IPv4") socket.setBroadcast(true);
    } catch (error) {
      close();
      throw error;
    }
    return {
      get closed() {
        return closed;
      },
      send: (packet, port, address) =>
        new Promise((resolve, reject) => {
          if (closed) return resolve();
          socket.send(packet, port, address, (error) => (error === null ? resolve() : reject(error)));
        }),
      addMembership: (group, name) => socket.addMembership(group, `::%${name}`),
      dropMembership: (group, name) => socket.dropMembership(group, `::%${name}`),
      close,
    };
  },
};

function create(options: SocketOptions): Socket {
  // Destinations are addresses. Node would look them up like names, and send only in the next turn: after a close(), never.
  const lookup: SocketOptions["lookup"] = (address, _, done) => done(null, address, address.includes(":") ? 6 : 4);
  return builtin<typeof import("node:dgram")>("node:dgram")
    .createSocket({ ...options, lookup })
    .unref();
}

/** Waits until the socket is open. From then on its events go to the handlers. */
async function opened(
  socket: Socket,
  event: "connect" | "listening",
  { onDatagram, onError }: SocketHandlers,
  open: () => void,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => {
      socket.close();
      reject(error);
    };
    socket.once("error", fail);
    socket.once(event, () => {
      socket.off("error", fail);
      socket.on("error", onError);
      socket.on("message", (datagram, { address }) => onDatagram(datagram, address));
      resolve();
    });
    open();
  });
}
