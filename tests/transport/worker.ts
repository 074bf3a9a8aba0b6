/** A worker with one transport and one packet engine, for tests. */
import { fullGC, heapStats } from "bun:jsc";
import { closeSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { SLOT_SIZE, SLOT_SOURCE, SOURCE_PORT } from "../../assembly/layout.ts";
import { createEngine, EngineControl, Lane } from "../../src/engine/index.ts";
import { openOwnSocket } from "../../src/transport/bun-socket.ts";
import { openMmsg } from "../../src/transport/mmsg.ts";
import type { Transport, TransportOptions } from "../../src/transport/transport.ts";
import { openUdp } from "../../src/transport/udp.ts";
import type { XdpLoan } from "../../src/transport/xdp/socket.ts";
import { openXdp, type XdpTransport } from "../../src/transport/xdp/xdp.ts";
import { enterNamespace } from "../support/namespace.ts";
import { Recording } from "./recording.ts";
import type { Kind, Opening, Report } from "./transports.ts";

declare const self: Worker;

const OPEN: Record<Kind, (options: TransportOptions) => Promise<Transport | XdpTransport>> = {
  mmsg: openMmsg,
  udp: openUdp,
  "udp without system calls": (options) => openUdp(options, openOwnSocket),
  xdp: openXdp,
};

let transport: Transport | XdpTransport | undefined;

function send(report: Report): void {
  self.postMessage(report);
}

/** Number of cells on the heap, including garbage that is not collected yet. */
function cells(): number {
  return Object.values(heapStats().objectTypeCounts).reduce((a, b) => a + b);
}

/** Garbage on purpose: as long as all of it is on the heap, no garbage collection has run. */
const CANARIES = 100;
let canary: Set<number> | undefined;

function canaries(): number {
  return heapStats().objectTypeCounts.Set ?? 0;
}

function dropCanaries(): void {
  // Assigned to a variable, because the compiler would remove an unused Set.
  for (let i = 0; i <= CANARIES; i++) canary = new Set([i]);
  if (canary?.size !== 1 || canaries() < CANARIES) throw new Error("the canaries are not on the heap");
}

function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Closes the IPv4 socket on `port` without the transport's knowledge. Finds its descriptor in /proc. */
function closeSocket(port: number): void {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const sockets = readFileSync("/proc/net/udp", "latin1").split("\n");
  const inode = sockets.map((line) => line.trim().split(/\s+/)).find((fields) => fields[1]?.endsWith(local))![9];
  for (const fd of readdirSync("/proc/self/fd")) {
    if (linkOf(fd) === `socket:[${inode}]`) closeSync(Number(fd));
  }
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

async function open({
  memory,
  lane: number,
  kind,
  engine: backend,
  fault,
  namespace,
  recording,
  ...where
}: Opening): Promise<void> {
  if (namespace !== undefined) enterNamespace(namespace);
  const recorded = recording && new Recording(recording);
  const control = new EngineControl(memory);
  const engine = createEngine(backend, memory, number);
  const lane = new Lane(memory, number);
  const garbage: unknown[] = [];
  let batches = 0;
  let asked = 0;
  let heap = { cells: 0, received: 0, canaries: 0 };
  const processBatch = (count: number): number => {
    batches++;
    if (fault === "sleep in the first batch" && batches === 1) {
      send({ type: "asleep" });
      wait(700);
    }
    if (fault === "close the socket") closeSocket(transport!.port);
    if (fault === "throw") throw new Error("injected fault");
    if (fault === "allocate per packet") for (let i = 0; i < count; i++) garbage[i] = { i };
    const replies = engine.process(number, count, recorded?.now ?? Date.now());
    recorded?.add(count, (slot) => lane.verdict(slot));
    // Sending to port 0 fails with EINVAL.
    if (fault === "spoil every third source") {
      for (let slot = 0; slot < count; slot += 3) {
        const at = lane.at + slot * SLOT_SIZE + SLOT_SOURCE + SOURCE_PORT;
        lane.bytes.fill(0, at, at + 2);
      }
    }
    return replies;
  };
  try {
    transport = await OPEN[kind]({
      ...where,
      slots: lane,
      processBatch,
      shouldStop: () => {
        asked++;
        return control.stopped;
      },
      onEnd: (error) => send({ type: "ended", message: error?.message }),
    });
    const { port, addresses, receiveBuffer } = transport;
    send({ type: "listening", port, addresses, receiveBuffer });
  } catch (error) {
    const { code, message, host } = error as NodeJS.ErrnoException & { host: string };
    send({ type: "failed", code, message, host });
  }
  self.onmessage = ({ data }: MessageEvent<"close" | "asked" | "heap" | XdpLoan>) => {
    if (data === "close") {
      transport?.close();
      send({ type: "ended", message: undefined });
    } else if (typeof data === "object") {
      (transport as XdpTransport).lend(data);
      send({ type: "lent" });
    } else if (data === "asked") send({ type: "asked", asked });
    else {
      const { received } = control.counters();
      const uncollected = canaries() >= heap.canaries;
      send({ type: "heap", cells: cells() - heap.cells, packets: received - heap.received, uncollected });
      fullGC();
      dropCanaries();
      heap = { cells: cells(), received, canaries: canaries() };
    }
  };
}

self.onmessage = ({ data }: MessageEvent<Opening>) => void open(data);
