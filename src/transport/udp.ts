/**
 * The portable transport: `Bun.udpSocket`.
 *
 * Datagrams are collected until a batch is full or Bun's receive loop ends. Then the engine processes the batch, and one
 * `sendMany` sends the replies. The end of the receive loop is noticed with setImmediate, because a microtask would run
 * after every packet, and a timer would not run during a flood.
 */
import { writeAddress } from "./address.ts";
import { openBunSocket } from "./bun-socket.ts";
import type { Transport, TransportOptions } from "./transport.ts";

/** If a send fails, the reason may be the ICMP error of an earlier reply. If it fails again, this reply is the reason. */
const MAX_TRIES = 2;
/** How often an idle thread checks whether it should stop. */
const IDLE_MS = 100;

/** @throws {Error} a system error with `code` (EADDRINUSE, for instance) if the socket cannot be bound */
export async function openUdp(options: TransportOptions, open = openBunSocket): Promise<Transport> {
  const { slots } = options;
  const ports = new Array<number>(slots.batch).fill(0);
  const addresses = new Array<string>(slots.batch).fill("");
  let pending = 0;
  let scheduled = false;
  let closed = false;

  const bound = await open(options, {
    data(_socket, datagram, port, source) {
      if (closed) return;
      slots.fill(pending, datagram);
      writeAddress(source, slots.bytes, slots.addressAt(pending));
      slots.setPort(pending, port);
      ports[pending] = port;
      addresses[pending] = source;
      pending++;
      if (pending === slots.batch) processBatch();
      else if (!scheduled) {
        scheduled = true;
        setImmediate(processPending);
      }
    },
    // Without this handler, the ICMP error of a client that closed its port would crash the process. Bun also calls it
    // with errors that `data` throws. Those are not socket errors: they have no `syscall`.
    error(error: unknown) {
      if ("syscall" in (error as Error)) slots.countSocketError();
      else end(error as Error);
    },
  });
  const { socket, address, receiveBuffer } = bound;
  const idle = setInterval(checkStop, IDLE_MS);

  function processPending(): void {
    scheduled = false;
    if (pending > 0) processBatch();
  }

  function processBatch(): void {
    const count = pending;
    pending = 0;
    try {
      if (options.processBatch(count) > 0) reply(count);
    } catch (error) {
      end(error as Error);
    }
    checkStop();
  }

  function checkStop(): void {
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
   * Sends replies. The kernel may report the error of an earlier reply (port closed) when a later reply is sent. That send
   * then throws or sends only a part, although nothing is wrong with it. So each send is tried twice.
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
      } else if (++tries >= MAX_TRIES) {
        // An error: skip this reply. Nothing sent and no error: the send buffer is full, so drop the rest of the batch.
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
    bound.close();
  }

  return {
    port: socket.port,
    address,
    receiveBuffer,
    close() {
      processPending();
      close();
    },
  };
}
