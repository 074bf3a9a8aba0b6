/**
 * The portable transport: `Bun.udpSocket`.
 *
 * Datagrams are gathered until a batch is full or the receive loop has come to its end (setImmediate), then judged together
 * and their replies sent with one `sendMany`. Microtasks would run after every packet, and a timer not at all under a flood.
 */
import { Lane } from "../engine/index.ts";
import { writeAddress } from "./address.ts";
import type { Transport, TransportOptions } from "./transport.ts";

/** A send that fails twice in a row fails for its own sake, not for what an earlier reply met. */
const TRIES = 2;

/** @throws the system's error (with `code`, EADDRINUSE say) if the socket cannot be bound. */
export async function openUdp(options: TransportOptions): Promise<Transport> {
  const { engine, lane } = options;
  const ports = new Array<number>(Lane.BATCH).fill(0);
  const addresses = new Array<string>(Lane.BATCH).fill("");
  let pending = 0;
  let scheduled = false;
  let closed = false;

  const socket = await Bun.udpSocket({
    hostname: options.host,
    port: options.port,
    socket: {
      data(_socket, datagram, port, address) {
        if (closed) return;
        lane.fill(pending, datagram);
        writeAddress(address, lane.bytes, lane.addressAt(pending));
        lane.setPort(pending, port);
        ports[pending] = port;
        addresses[pending] = address;
        pending++;
        if (pending === Lane.BATCH) judge();
        else if (!scheduled) {
          scheduled = true;
          setImmediate(tail);
        }
      },
      // Without a handler, one client that closed its port before its reply ends the process.
      error() {
        lane.countSocketError();
      },
    },
  });

  function tail(): void {
    scheduled = false;
    if (pending > 0) judge();
  }

  function judge(): void {
    const count = pending;
    pending = 0;
    if (engine.process(lane.number, count, options.now()) > 0) reply(count);
    if (options.shouldStop()) {
      close();
      options.onStop();
    }
  }

  function reply(count: number): void {
    const batch: (Uint8Array | number | string)[] = [];
    for (let slot = 0; slot < count; slot++) {
      const bytes = lane.reply(slot);
      if (bytes !== undefined) batch.push(bytes, ports[slot]!, addresses[slot]!);
    }
    send(batch);
  }

  /**
   * The kernel hands the error of an earlier reply (its port was closed) to a later send, which throws or falls short
   * though nothing is wrong with it: so it is sent again.
   */
  function send(batch: (Uint8Array | number | string)[]): void {
    let tries = 0;
    let rest = batch;
    while (rest.length > 0) {
      let sent = 0;
      let failed = false;
      try {
        sent = socket.sendMany(rest);
      } catch {
        failed = true;
        lane.countSocketError();
      }
      if (sent > 0) {
        tries = 0;
      } else if (++tries >= TRIES) {
        // Refused for good: this one. Nothing sent and no error: the kernel has no room, and does not get any by our asking.
        sent = failed ? 1 : rest.length / 3;
        lane.countUnsent(sent);
        tries = 0;
      }
      if (sent > 0) rest = rest.slice(sent * 3);
    }
  }

  function close(): void {
    if (closed) return;
    closed = true;
    socket.close();
  }

  return {
    port: socket.port,
    close() {
      tail();
      close();
    },
  };
}
