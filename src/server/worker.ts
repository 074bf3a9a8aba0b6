/** Entry of a packet worker: one engine, one socket, no other business. */
import { createEngine, EngineControl, Lane } from "../engine/index.ts";
import type { Transport } from "../transport/transport.ts";
import { openUdp } from "../transport/udp.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./messages.ts";

declare const self: Worker;

let transport: Transport | undefined;

function tell(message: FromWorker): void {
  self.postMessage(message);
}

function fail(error: unknown): void {
  const { code, message } = error as NodeJS.ErrnoException;
  tell({ type: "failed", code, message });
}

async function start({ memory, lane: number, engine: backend, host, port }: WorkerStart): Promise<void> {
  try {
    const control = new EngineControl(memory);
    const engine = createEngine(backend, memory, number);
    transport = await openUdp({
      host,
      port,
      slots: new Lane(memory, number),
      judge: (count) => engine.process(number, count, Date.now()),
      shouldStop: () => control.stopped,
      onEnd: (error) => (error === undefined ? tell({ type: "stopped" }) : fail(error)),
    });
    tell({ type: "listening", port: transport.port });
  } catch (error) {
    fail(error);
  }
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "start") void start(data.start);
  else {
    transport?.close();
    tell({ type: "stopped" });
  }
};
