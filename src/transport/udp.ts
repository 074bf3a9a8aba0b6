/**
 * The portable transport: `Bun.udpSocket`.
 *
 * Datagrams are gathered until a batch is full or the receive loop has come to its end (setImmediate), then judged together
 * and their replies sent with one `sendMany`. Microtasks would run after every packet, and a timer not at all under a flood.
 */
import { writeAddress } from "./address.ts";
import { openBunSocket } from "./bun-socket.ts";
import type { Transport, TransportOptions } from "./transport.ts";

/** A send that fails twice in a row fails for its own sake, not for what an earlier reply met. */
const TRIES = 2;
/** How long an idle thread does not see that it should stop. */
const IDLE_MS = 100;

/** @throws {Error} the system's (with `code`, EADDRINUSE say) if the socket cannot be bound. */
export async function openUdp(options: TransportOptions, open = openBunSocket): Promise<Transport> {
  const { slots } = options;
  const ports = new Array<number>(slots.batch).fill(0);
  const addresses = new Array<string>(slots.batch).fill("");
  let pending = 0;
  let scheduled = false;
  let closed = false;

  const { socket, receiveBuffer, fd } = await open(options, {
    data(_socket, datagram, port, address) {
      if (closed) return;
      slots.fill(pending, datagram);
      writeAddress(address, slots.bytes, slots.addressAt(pending));
      slots.setPort(pending, port);
      ports[pending] = port;
      addresses[pending] = address;
      pending++;
      if (pending === slots.batch) judge();
      else if (!scheduled) {
        scheduled = true;
        setImmediate(tail);
      }
    },
    // Without a handler, one client that closed its port before its reply ends the process. Bun also brings here what
    // `data` throws, which is no error of the socket's.
    error(error: unknown) {
      if ("syscall" in (error as Error)) slots.countSocketError();
      else end(error as Error);
    },
  });
  const idle = setInterval(look, IDLE_MS);

  function tail(): void {
    scheduled = false;
    if (pending > 0) judge();
  }

  function judge(): void {
    const count = pending;
    pending = 0;
    try {
      if (options.judge(count) > 0) reply(count);
    } catch (error) {
      end(error as Error);
    }
    look();
  }

  function look(): void {
    if (options.shouldStop()) end();
  }

  function end(error?: Error): void {
    if (closed) return;
    close();
    options.onEnd(error);
  }
  function reply(count: number): void {
    const batch: (Uint8Array | number | string)[] = [];
    for (let slot = 0; slot < count; slot++) {
      const bytes = slots.reply(slot);
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
        slots.countSocketError();
      }
      if (sent > 0) {
        tries = 0;
      } else if (++tries >= TRIES) {
        // Refused for good: this one. Nothing sent and no error: the kernel has no room, and does not get any by our asking.
        sent = failed ? 1 : rest.length / 3;
        slots.countUnsent(sent);
        tries = 0;
      }
      if (sent > 0) rest = rest.slice(sent * 3);
    }
  }

  function close(): void {
    if (closed) return;
    closed = true;
    clearInterval(idle);
    socket.close();
  }

  return {
    port: socket.port,
    receiveBuffer,
    fd,
    close() {
      tail();
      close();
    },
  };
}
