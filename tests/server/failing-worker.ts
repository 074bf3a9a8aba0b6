/** The server's packet worker, but the one of lane 1 fails at its start. */
import type { ToWorker } from "../../src/server/workers/messages.ts";
import "../../src/server/workers/worker.ts";

declare const self: Worker;

const handle = self.onmessage!;
self.onmessage = (event: MessageEvent<ToWorker>) => {
  if (event.data.type === "start" && event.data.start.lane === 1) throw new Error("failed on command");
  handle.call(self, event);
};
