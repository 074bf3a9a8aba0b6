import { expect, test } from "bun:test";
import { H_WEAK } from "../../assembly/layout.ts";
import { createEngineMemory, defaultEngineOptions, EngineControl } from "../../src/engine/index.ts";
import { UNLIMITED } from "../support/harness.ts";
import { checkInvariants } from "../support/invariants.ts";
import type { Collision, CollisionResult } from "./shared-memory-worker.ts";

function collide(collision: Collision): Promise<CollisionResult> {
  const { promise, resolve, reject } = Promise.withResolvers<CollisionResult>();
  const worker = new Worker(new URL("./shared-memory-worker.ts", import.meta.url).href);
  worker.onmessage = ({ data }) => {
    resolve(data);
    worker.terminate();
  };
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(collision);
  return promise;
}

test.each([
  ["one read may overtake another", 1],
  ["none may", 0],
] as const)(
  "a wasm and a TypeScript engine on one memory never mix two announcements, and leave the registry whole: where %s",
  async (_, weak) => {
    const options = { ...defaultEngineOptions(), ...UNLIMITED, lanes: 2, capacity: 8, retentionMs: 5 };
    const memory = createEngineMemory(options);
    // What only an x86 can do without has to work there as well.
    if (weak === 1) new Uint32Array(memory.buffer)[H_WEAK >>> 2] = weak;
    const results = await Promise.all(
      (["wasm", "ts"] as const).map((backend, lane) => collide({ memory, lane, backend, seconds: 3 })),
    );
    for (const { answered, mixed, processed } of results) {
      expect(processed).toBeGreaterThan(10_000);
      expect(answered).toBeGreaterThan(1000);
      expect(mixed).toBe(0);
    }
    checkInvariants(new Uint8Array(memory.buffer));
    const { received, verdicts } = new EngineControl(memory).counters();
    expect(received).toBe(results.reduce((sum, { processed }) => sum + processed, 0));
    expect(Object.values(verdicts).reduce((a, b) => a + b)).toBe(received);
    expect(verdicts.full).toBeGreaterThan(0);
  },
  20_000,
);
