/** A plain TCP echo between two virtual hosts: it stands for ssh and all else that a server's host does. */
import type { Socket } from "bun";
import type { Host } from "../../support/netns.ts";

/** Bytes that wait until the socket takes them. */
interface Pending {
  bytes: Uint8Array;
}

function write(socket: Socket<Pending>, more: Uint8Array): void {
  const bytes = Buffer.concat([socket.data.bytes, more]);
  socket.data.bytes = bytes.subarray(socket.write(bytes));
}

const drain = (socket: Socket<Pending>) => write(socket, new Uint8Array(0));

/**
 * Sends bytes to an echo server on `server`, from `client`.
 *
 * @returns the bytes that came back
 */
export async function tcpEcho(server: Host, address: string, client: Host, bytes: Uint8Array): Promise<Uint8Array> {
  const listener = server.inside(() =>
    Bun.listen<Pending>({
      hostname: address,
      port: 0,
      socket: {
        open(socket) {
          socket.data = { bytes: new Uint8Array(0) };
        },
        data: write,
        drain,
      },
    }),
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const chunks: Uint8Array[] = [];
  let received = 0;
  const connecting = client.inside(() =>
    Bun.connect<Pending>({
      hostname: address,
      port: listener.port,
      data: { bytes: new Uint8Array(0) },
      socket: {
        open: (socket) => write(socket, bytes),
        data(_socket, chunk) {
          chunks.push(new Uint8Array(chunk));
          received += chunk.length;
          if (received >= bytes.length) resolve();
        },
        drain,
        close: () => reject(new Error("the connection was closed")),
        error: (_socket, error) => reject(error),
      },
    }),
  );
  try {
    await promise;
    return Buffer.concat(chunks);
  } finally {
    (await connecting).end();
    listener.stop(true);
  }
}
