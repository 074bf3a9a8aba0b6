/**
 * The portable transport: `Bun.udpSocket`.
 *
 * Datagrams are collected until a batch is full or Bun's receive loop ends. Then the engine processes the batch, and one
 * `sendMany` sends the replies. The end of the receive loop is noticed with setImmediate, because a microtask would run
 * after every packet, and a timer would not run during a flood.
 *
 * Bun's receive loop stays at one socket as long as that has datagrams. So that a flood to one address does not silence the
 * others, the other sockets get turns by the system calls of mmsg, where those are available.
 */
import { writeAddress } from "./address.ts";
import { type BunSocket, openBunSocket } from "./bun-socket.ts";
import { type Binding, openHosts } from "./hosts.ts";
import { loadLibc } from "./libc.ts";
import { LocalSockets } from "./local-sockets.ts";
import { drainLanes, SocketLane } from "./mmsg-lane.ts";
import { DEFAULT_RECEIVE_BUFFER } from "./socket.ts";
import type { Transport, TransportOptions } from "./transport.ts";

/** If a send fails, the reason may be the ICMP error of an earlier reply. If it fails again, this reply is the reason. */
const MAX_TRIES = 2;
/** Full batches in a row, without a turn of the event loop, after which the other sockets get a turn. */
const BATCHES_PER_TURN = 8;
/** How often an idle thread checks whether it should stop. */
const IDLE_MS = 100;

/** @throws {Error} a system error with `code` (EADDRINUSE, for instance) and `host` if a socket cannot be bound */
export async function openUdp(options: TransportOptions, openSocket = openBunSocket): Promise<Transport> {
  const { slots, hosts, port, reusePort = "first", receiveBuffer = DEFAULT_RECEIVE_BUFFER, socketRecord } = options;
  const ports = new Array<number>(slots.batch).fill(0);
  const addresses = new Array<string>(slots.batch).fill("");
  /** The socket of each datagram. */
  const sources: (Bun.udp.Socket<"buffer"> | undefined)[] = new Array(slots.batch).fill(undefined);
  let pending = 0;
  let scheduled = false;
  /** Set when it is asked to stop: how many datagrams it still handles, at most, until it closes the sockets. */
  let left: number | undefined;
  let closed = false;
  let idle: Timer | undefined;
  let sockets: readonly BunSocket[] = [];
  let local: LocalSockets<BunSocket> | undefined;
  /** All open sockets that can be used by system calls. */
  const lanes = new Map<Bun.udp.Socket<"buffer">, SocketLane>();
  let batchesInARow = 0;

  async function open(binding: Binding): Promise<BunSocket> {
    const opened = await openSocket({ ...binding, receiveBuffer, socketRecord }, handlers);
    const { socket, bound } = opened;
    if (bound !== undefined) lanes.set(socket, new SocketLane(loadLibc(), bound, slots));
    const close = () => {
      lanes.delete(socket);
      opened.close();
    };
    return { ...opened, close };
  }

  const handlers: Bun.udp.SocketHandler<"buffer"> = {
    data(socket, datagram, port, source) {
      if (closed) return;
      slots.fill(pending, datagram);
      writeAddress(source, slots.bytes, slots.addressAt(pending));
      slots.setPort(pending, port);
      ports[pending] = port;
      addresses[pending] = source;
      sources[pending] = socket;
      pending++;
      if (pending === slots.batch) {
        processBatch();
        if (++batchesInARow % BATCHES_PER_TURN === 0) serveOthers(socket);
      } else if (!scheduled) {
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
  };

  sockets = await openHosts({ hosts, port, reusePort }, open);
  local = new LocalSockets({ sockets, open, flush: processPending, warn: options.onWarning });
  await local.look();
  // An error in a batch may have ended it meanwhile.
  if (closed) closeAll();
  else idle = setInterval(checkStop, IDLE_MS);

  function processPending(): void {
    scheduled = false;
    batchesInARow = 0;
    if (pending > 0) processBatch();
  }

  function processBatch(): void {
    const count = pending;
    pending = 0;
    if (left !== undefined) left -= count;
    try {
      if (options.processBatch(count) > 0) reply(count);
    } catch (error) {
      end(error as Error);
    }
    checkStop();
  }

  /** Handles datagrams of all sockets but the one that Bun's receive loop is busy with. */
  function serveOthers(busy: Bun.udp.Socket<"buffer">): void {
    try {
      for (const [socket, lane] of lanes) {
        if (socket === busy || socket.closed || closed) continue;
        const count = lane.receive(false);
        if (count > 0 && options.processBatch(count) > 0) lane.reply(count);
      }
    } catch (error) {
      end(error as Error);
    }
  }

  function checkStop(): void {
    if (left !== undefined) {
      if (left <= 0) end();
      return;
    }
    if (!options.shouldStop()) {
      void local?.look();
      return;
    }
    // Bun's receive loop may be running. It ends when the sockets are empty, because they get no new datagrams; but without
    // system calls they do, and under a flood it would never end.
    left = 0;
    for (const lane of lanes.values()) {
      left += lane.capacity;
      lane.detach();
    }
    setImmediate(() => {
      drain();
      end();
    });
  }

  /** Handles what waits in the sockets, before they are closed. */
  function drain(): void {
    processPending();
    if (closed) return;
    try {
      drainLanes(lanes.values(), options.processBatch);
    } catch (error) {
      end(error as Error);
    }
  }

  function end(error?: Error): void {
    if (closed) return;
    close();
    options.onEnd(error);
  }

  /** Sends each reply on the socket that its query came in on, so that it leaves from the address that was asked. */
  function reply(count: number): void {
    let batch: (Uint8Array | number | string)[] = [];
    let socket = sources[0]!;
    for (let slot = 0; slot < count; slot++) {
      const bytes = slots.reply(slot);
      if (bytes === undefined) continue;
      if (sources[slot] !== socket) {
        send(socket, batch);
        batch = [];
        socket = sources[slot]!;
      }
      batch.push(bytes, ports[slot]!, addresses[slot]!);
    }
    send(socket, batch);
  }

  /**
   * Sends replies. The kernel may report the error of an earlier reply (port closed) when a later reply is sent. That send
   * then throws or sends only a part, although nothing is wrong with it. So each send is tried twice.
   */
  function send(socket: Bun.udp.Socket<"buffer">, batch: (Uint8Array | number | string)[]): void {
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
    closeAll();
  }

  function closeAll(): void {
    local?.close();
    for (const socket of sockets) socket.close();
  }

  const granted = sockets.flatMap((socket) => socket.receiveBuffer ?? []);
  return {
    port: sockets[0]!.port,
    addresses: sockets.map(({ address }) => address.text),
    receiveBuffer: granted.length > 0 ? Math.min(...granted) : undefined,
    close() {
      // So that batches do not begin another stop.
      left ??= Number.POSITIVE_INFINITY;
      drain();
      close();
    },
  };
}
