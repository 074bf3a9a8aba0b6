/** A packet worker as the server has it, that never says that it listens. */
import type { FromWorker } from "../../src/server/workers/messages.ts";
import "../../src/server/workers/worker.ts";

declare const self: Worker;

const tell = self.postMessage.bind(self);
self.postMessage = (message: FromWorker) => {
  if (message.type !== "listening") tell(message);
};
