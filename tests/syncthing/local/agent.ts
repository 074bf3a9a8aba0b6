/**
 * The program of one host: `bun agent.ts OPTIONS`, or bundled for Node. It runs a SyncthingDiscoverer, reads orders from standard input,
 * and writes reports to standard output, a line of JSON each.
 */
import { createInterface } from "node:readline";
import { SyncthingDiscoverer } from "../../../src/syncthing/index.ts";
import type { DeviceOptions, DeviceOrder, DeviceReport } from "./devices.ts";

const options: DeviceOptions = JSON.parse(process.argv.at(-1)!);

function report(report: DeviceReport): void {
  process.stdout.write(`${JSON.stringify({ report, time: performance.now() })}\n`);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  return code ?? message;
}

try {
  const discoverer = await SyncthingDiscoverer.start(options);
  for (const name of ["device", "moved", "gone"] as const) discoverer.on(name, report);
  discoverer.on("announced", ({ where, address }) => report({ type: "announced", where, address }));
  discoverer.on("error", ({ code, where, message }) => report({ type: "error", code, where, message }));
  report({ type: "ready" });
  for await (const line of createInterface({ input: process.stdin })) {
    const order: DeviceOrder = JSON.parse(line);
    if (order.do === "state") {
      report({ type: "state", devices: discoverer.devices(), counters: discoverer.stats().lan });
    } else if (order.do === "announce") void discoverer.announce();
    else {
      const { deviceId, timeout = 5_000, fresh = false } = order;
      void discoverer
        .lookup(deviceId, { timeout, fresh })
        .then((found) => report({ type: "result", deviceId, found: found ?? null }))
        .catch((error) => report({ type: "result", deviceId, found: null, error: reasonOf(error) }));
    }
  }
} catch (error) {
  report({ type: "refused", error: reasonOf(error) });
  report({ type: "ready" });
}
