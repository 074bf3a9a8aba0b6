/** Entry of a packet worker's thread. A packet worker has one engine and its sockets, and does nothing else. */
import { createEngine, EngineControl, Lane } from "../../engine/index.ts";
import type { Transport, TransportOptions } from "../../transport/transport.ts";
import type { XdpTransport } from "../../transport/xdp/xdp.ts";
import { Clock } from "../clock.ts";
import { SampleWriter } from "../limited/sample.ts";
import type { TransportName } from "../options.ts";
import { BatchCounter } from "./batch-sizes.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./messages.ts";
import { ownThread } from "./threads.ts";

declare const self: Worker;

let transport: Transport | undefined;
/** The same, if it is xdp. */
let xdp: XdpTransport | undefined;

/** Each thread loads its own copy of every module, so it loads only the transport that it uses. */
const OPEN: Record<TransportName, (options: TransportOptions) => Promise<Transport>> = {
  udp: async (options) => (await import("../../transport/udp.ts")).openUdp(options),
  mmsg: async (options) => (await import("../../transport/mmsg.ts")).openMmsg(options),
  xdp: async (options) => {
    const { openXdp } = await import("../../transport/xdp/xdp.ts");
    xdp = await openXdp(options);
    return xdp;
  },
};

function send(message: FromWorker): void {
  self.postMessage(message);
}

function sendError(error: unknown): void {
  const { code, message, host } = error as NodeJS.ErrnoException & { host?: string };
  send({ type: "failed", code, message, host });
}

async function start({
  memory,
  lane,
  engine: backend,
  transport: name,
  epoch,
  report,
  ...where
}: WorkerStart): Promise<void> {
  try {
    const control = new EngineControl(memory);
    const clock = new Clock(epoch);
    const engine = createEngine(backend, memory, lane);
    const slots = new Lane(memory, lane);
    const batches = new BatchCounter(report.batches);
    const limited = new SampleWriter(slots, report.maxIdLength, report.limited);
    transport = await OPEN[name]({
      ...where,
      slots,
      processBatch: (count) => {
        const replies = engine.process(lane, count, clock.now());
        limited.add(count);
        // Last: the sample is complete when the batch is counted.
        batches.add(count);
        return replies;
      },
      shouldStop: () => control.shouldStop(lane),
      onWarning: (text) => send({ type: "warning", text }),
      onEnd: (error) => (error === undefined ? send({ type: "stopped" }) : sendError(error)),
    });
    const { port, addresses, receiveBuffer } = transport;
    send({ type: "listening", listening: { port, addresses, receiveBuffer } });
  } catch (error) {
    sendError(error);
  }
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case "start":
      void start(data.start);
      break;
    case "lend":
      xdp!.lend(data.loan);
      send({ type: "lent", loan: data.loan.number });
      break;
    case "give-back":
      xdp!.giveBack(data.loan);
      send({ type: "returned", loan: data.loan });
      break;
    case "stop":
      transport?.close();
      send({ type: "stopped" });
  }
};

send({ type: "thread", thread: ownThread() });
