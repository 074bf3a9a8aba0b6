import { expect } from "bun:test";
import { testIf } from "../../support/needs.ts";
import { LONG_LIMIT_MS } from "../../support/time-limits.ts";
import { hasXdp, NEEDS_XDP } from "../../support/xdp.ts";
import { type Fault, Faults } from "./faults.ts";

const ROUNDS: readonly (readonly [Fault, worker: number])[] = [
  ["throw", 0],
  ["sleep", 1],
  ["spin", 0],
  ["stop", 1],
  ["pause", 0],
  ["kill", 0],
  ["throw", 1],
];

// How long the service is away depends on the machine: `bun run soak:xdp` has the limits.
testIf(hasXdp, NEEDS_XDP)(
  "a server whose workers die, hang and spin, and that is stopped and killed, serves all nodes by all queues again, and leaves nothing behind",
  async () => {
    await using faults = await Faults.create({ queues: 2, nodes: 500, rate: 1000, receiveBuffer: 1 << 20 });
    for (const [fault, worker] of ROUNDS) {
      const { missing, stats, fewest } = await faults.run(fault, worker);
      expect({ fault, missing }).toEqual({ fault, missing: 0 });
      // Only the queue of the worker that failed went to the kernel's sockets. One that stood still may have been kept.
      if (fault !== "pause" && fault !== "kill")
        expect([fault, fewest]).toBeOneOf([
          [fault, 1],
          ["stop", 2],
        ]);
      expect(stats.xdp).toMatchObject({ mode: "native", queues: 2, served: 2 });
      expect(stats.xdp?.problem).toBeUndefined();
      expect(stats.nodes).toBe(500);
    }
    const { wrong, answered } = await faults.load();
    expect(wrong).toBe(0);
    expect(answered).toBeGreaterThan(ROUNDS.length * 500);
    expect(await faults.stop()).toEqual([]);
  },
  LONG_LIMIT_MS,
);
