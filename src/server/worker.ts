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

async function start({ memory, lane, engine, host, port }: WorkerStart): Promise<void> {
  const control = new EngineControl(memory);
  try {
    transport = await openUdp({
      host,
      port,
      engine: createEngine(engine, memory, lane),
      lane: new Lane(memory, lane),
      now: Date.now,
      shouldStop: () => control.stopped,
      onStop: () => tell({ type: "stopped" }),
    });
    tell({ type: "listening", port: transport.port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    tell({ type: "failed", code, message });
  }
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "start") void start(data.start);
  else {
    transport?.close();
    tell({ type: "stopped" });
  }
};
