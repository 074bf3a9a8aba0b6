import { expect, test } from "bun:test";
import { DEVICE_RETENTION_MS } from "../../../src/journal/device.ts";
import { createDeviceMemory, DeviceTable } from "../../../src/syncthing/devices/index.ts";
import type { ReadingResult, ReadingStart } from "./reading-thread.ts";

const CHANGES = 100_000;

test("a thread that reads never sees the addresses of two announcements in one, while another thread changes them", async () => {
  // Too small for all: so devices give way to others all the time.
  const memory = createDeviceMemory(4);
  const table = new DeviceTable(memory);
  const ids = Array.from({ length: 6 }, (_, i) => new Uint8Array(32).fill(i));
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL("./reading-thread.ts", import.meta.url).href);
  try {
    const done = new Promise<ReadingResult>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    worker.postMessage({ memory, ids, progress } satisfies ReadingStart);
    while (Atomics.load(progress, 1) === 0) await Bun.sleep(1);
    for (let change = 0; change < CHANGES; change++) {
      // Each announcement replaces the one before, which has expired.
      const announcedAt = change * DEVICE_RETENTION_MS;
      const count = 1 + (change % 9);
      const addresses = Array.from({ length: count }, (_, i) => ({
        address: `relay://192.0.2.1:${i}/?v=${change}&n=${count}&`.padEnd(40 + 30 * i, "/"),
        announcedAt,
      }));
      table.merge({ id: ids[(change * 7) % ids.length]!, confirmed: false, addresses }, true, announcedAt);
    }
    // The thread gets a turn on a machine with one processor, too.
    await Bun.sleep(50);
    Atomics.store(progress, 0, 1);
    const { found, mixed, versions } = await done;
    expect(mixed).toBe(0);
    expect(found).toBeGreaterThan(0);
    expect(versions).toBeGreaterThan(1);
  } finally {
    worker.terminate();
  }
});
