/** The sockets of Bun: `Bun.udpSocket`. */
import { type ConnectedSocket, codeOf, type SharedSocket, type SocketHandlers, type Sockets } from "./socket.ts";

/** Bun's undocumented `flags`. Bun ignores `reusePort` for UDP. */
const REUSE_PORT = 4;
const IPV6_ONLY = 8;
const REUSE_ADDRESS = 16;
/** Linux lets two sockets share a port if they have one of these flags in common. With both, any choice of the other fits. */
const SHARED = REUSE_PORT | REUSE_ADDRESS;

/** A send may fail with the error of an earlier packet, so it is tried twice. */
const SEND_TRIES = 2;

export const bunSockets: Sockets = {
  async connect(ip, port, handlers): Promise<ConnectedSocket> {
    let peer = "";
    const socket = await Bun.udpSocket({
      hostname: ip.includes(":") ? "::" : "0.0.0.0",
      connect: { hostname: ip, port },
      socket: handlerOf({
        onError: handlers.onError,
        // Datagrams of others may have come before the socket was connected. The peer's address lacks its zone.
        onDatagram(datagram, address) {
          if (address === peer || address.startsWith(`${peer}%`)) handlers.onDatagram(datagram, address);
        },
      }),
    });
    peer = socket.remoteAddress.address;
    socket.unref();
    return {
      localAddress: socket.address.address,
      send(packets) {
        try {
          return socket.sendMany(packets as Uint8Array[]);
        } catch (error) {
          handlers.onError(error as Error);
          return 0;
        }
      },
      close: () => socket.close(),
    };
  },

  async share(family, port, handlers): Promise<SharedSocket> {
    const options = {
      hostname: family === "IPv6" ? "::" : "0.0.0.0",
      port,
      flags: family === "IPv6" ? SHARED | IPV6_ONLY : SHARED,
      socket: handlerOf(handlers),
    };
    const socket = await Bun.udpSocket(options as Bun.udp.SocketOptions<"buffer">);
    socket.unref();
    if (!(await canBeOpened(options))) {
      const message = `other programs of this host cannot use UDP port ${port} (${family})`;
      handlers.onError(Object.assign(new Error(message), { code: "ENOTSUP" }));
    }
    try {
      if (family === "IPv4") socket.setBroadcast(true);
    } catch (error) {
      socket.close();
      throw error;
    }
    return {
      get closed() {
        return socket.closed;
      },
      async send(packet, port, address) {
        let failure: unknown;
        for (let tries = 0; tries < SEND_TRIES; tries++) {
          try {
            if (socket.send(packet, port, address)) return;
            failure = Object.assign(new Error("the socket is full"), { code: "EAGAIN" });
          } catch (error) {
            failure = error;
          }
        }
        throw failure;
      },
      addMembership: (group, name) => void socket.addMembership(group, `::%${name}`),
      dropMembership: (group, name) => void socket.dropMembership(group, `::%${name}`),
      close: () => socket.close(),
    };
  },
};

/** Whether another program could open the port as well, which depends on the flags. */
async function canBeOpened(options: object): Promise<boolean> {
  try {
    const handlers = { onDatagram() {}, onError() {} };
    const second = await Bun.udpSocket({ ...options, socket: handlerOf(handlers) } as Bun.udp.SocketOptions<"buffer">);
    second.close();
    return true;
  } catch (error) {
    return codeOf(error) !== "EADDRINUSE";
  }
}

function handlerOf({ onDatagram, onError }: SocketHandlers): Bun.udp.SocketHandler<"buffer"> {
  return {
    data: (_socket, datagram, _port, address) => onDatagram(datagram, address),
    // Without a handler, an error that the network reports ends the process. Bun passes only the error, although its
    // types have the socket as well.
    error: (...args: unknown[]) => onError(args.at(-1) as Error),
  };
}
