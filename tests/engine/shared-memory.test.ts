import { expect, test } from "bun:test";
import { H_WEAK_ORDERING } from "../../assembly/layout.ts";
import { createEngineMemory, defaultEngineOptions, EngineControl } from "../../src/engine/index.ts";
import { UNLIMITED } from "../support/harness.ts";
import { checkInvariants } from "../support/invariants.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";
import type { CollisionResult, CollisionStart } from "./shared-memory-worker.ts";

/** Batches of 64 packets that each worker processes at least: about 3 seconds on an idle machine. */
const BATCHES = 40_000;
const BACKENDS = ["wasm", "ts"] as const;

async function collide(start: CollisionStart): Promise<CollisionResult> {
  const { promise, resolve, reject } = Promise.withResolvers<CollisionResult>();
  const worker = new Worker(new URL("./shared-memory-worker.ts", import.meta.url).href);
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(start);
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

test.each([
  ["with weak memory ordering", 1],
  ["with strong memory ordering", 0],
] as const)(
  "a wasm and a TypeScript engine on one memory never mix two announcements and leave the registry intact, %s",
  async (_, weak) => {
    const options = { ...defaultEngineOptions(), ...UNLIMITED, lanes: 2, capacity: 8, retentionMs: 5 };
    const memory = createEngineMemory(options);
    // The code for weak ordering must work on x86 too, so this test forces it on every machine.
    if (weak === 1) new Uint32Array(memory.buffer)[H_WEAK_ORDERING >>> 2] = weak;
    const progress = new Int32Array(new SharedArrayBuffer(8));
    const start = { memory, progress, batches: BATCHES, workers: BACKENDS.length };
    const results = await Promise.all(BACKENDS.map((backend, lane) => collide({ ...start, lane, backend })));
    for (const { answered, mixed, processed } of results) {
      expect(processed).toBeGreaterThanOrEqual(BATCHES * 64);
      expect(answered).toBeGreaterThan(BATCHES);
      expect(mixed).toBe(0);
    }
    checkInvariants(new Uint8Array(memory.buffer));
    const { received, verdicts } = new EngineControl(memory).counters();
    expect(received).toBe(results.reduce((sum, { processed }) => sum + processed, 0));
    expect(Object.values(verdicts).reduce((a, b) => a + b)).toBe(received);
    expect(verdicts.full).toBeGreaterThan(0);
  },
  LONG_LIMIT_MS,
);
