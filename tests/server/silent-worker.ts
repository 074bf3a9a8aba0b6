/** The server's packet worker, but it never reports that it listens. */
import type { FromWorker } from "../../src/server/workers/messages.ts";
import "../../src/server/workers/worker.ts";

declare const self: Worker;

const send = self.postMessage.bind(self);
self.postMessage = (message: FromWorker) => {
  if (message.type !== "listening") send(message);
};
