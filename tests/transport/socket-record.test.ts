import { closeRecordedSockets, createSocketRecord } from "../../src/transport/socket-record.ts";
import { openSockets } from "../support/descriptors.ts";
import { testIf } from "../support/needs.ts";
import { until } from "../support/time-limits.ts";

testIf(process.platform === "linux", "needs Linux")(
  "a socket is in the record exactly as long as it is open, whenever its thread is terminated",
  async () => {
    const before = openSockets();
    for (let round = 0; round < 50; round++) {
      const socketRecord = createSocketRecord();
      const worker = new Worker(new URL("./socket-loop-worker.ts", import.meta.url).href);
      const ended = new Promise((resolve) => worker.addEventListener("close", resolve));
      worker.postMessage(socketRecord);
      await until(() => openSockets() > before, "the first socket");
      // Later rounds terminate code that was compiled and optimized meanwhile.
      await Bun.sleep(round);
      worker.terminate();
      await ended;
      closeRecordedSockets(socketRecord);
      await until(() => openSockets() <= before, `the socket of round ${round} to be closed`, 1000);
    }
  },
);
