/** The transports do the same with every packet: the same verdicts, replies and contents of the memory. */
import { expect, setDefaultTimeout } from "bun:test";
import type { EngineBackend } from "../../../src/engine/index.ts";
import { testIf } from "../../support/needs.ts";
import { LONG_LIMIT_MS } from "../../support/time-limits.ts";
import { hasXdp, NEEDS_XDP } from "../../support/xdp.ts";
import { createNetwork } from "./network.ts";
import type { ParityOptions, ParityResult } from "./parity.ts";

setDefaultTimeout(LONG_LIMIT_MS);

const check = testIf(hasXdp, NEEDS_XDP);
const SCRIPT = new URL("./parity.ts", import.meta.url).pathname;

async function compare(packets: number, engines: readonly [EngineBackend, EngineBackend]): Promise<ParityResult> {
  const kinds = ["mmsg", "xdp"] as const;
  await using first = await createNetwork();
  await using second = await createNetwork();
  const side = (i: 0 | 1) => ({
    kind: kinds[i],
    engine: engines[i],
    namespace: [first, second][i]!.host.namespace,
    end: { namespace: [first, second][i]!.end.namespace, name: "b0" },
  });
  const options: ParityOptions = { packets, seed: 1, sides: [side(0), side(1)] };
  const run = Bun.spawn(second.host.command([process.execPath, SCRIPT, JSON.stringify(options)]), {
    stdout: "pipe",
    stderr: "inherit",
  });
  return JSON.parse(await run.stdout.text());
}

check("over all vectors and 250,000 random packets, xdp gives the verdicts, replies and memory of mmsg", async () => {
  const { difference, packets, verdicts, passed, kernel } = await compare(250_000, ["wasm", "wasm"]);
  expect(difference).toBeUndefined();
  // All that was meant for it went past the kernel.
  expect(kernel).toBe(passed);
  expect(passed).toBeGreaterThan(12_500);
  // The others have wrong checksums.
  expect(packets).toBeGreaterThan(225_000);
  // Each verdict must be common, or its path would not be compared. No device can be announced over UDP.
  const { "refused-device": _, ...common } = verdicts;
  for (const [verdict, count] of Object.entries(common)) expect(count, verdict).toBeGreaterThan(packets / 1000);
});

check("with the engine in TypeScript, xdp gives what mmsg gives with the one in WebAssembly", async () => {
  const { difference, packets } = await compare(25_000, ["wasm", "ts"]);
  expect(difference).toBeUndefined();
  expect(packets).toBeGreaterThan(22_500);
});
