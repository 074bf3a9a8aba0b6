/** Tests of virtual hosts (netns.ts) whose programs are run by Bun and by Node. */
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../../support/netns.ts";
import { hasNode, type Runtime } from "./agents.ts";

export const bunTest = testIf(hasNetns, NEEDS_NETNS);
export const nodeTest = testIf(hasNetns && hasNode, `${NEEDS_NETNS}; node`);

let runtime: Runtime = "bun";

/** The runtime of the agents in the current test. */
export function runtimeOfTest(): Runtime {
  return runtime;
}

/** Runs a test with agents in Bun, and again with agents in Node, or at least over the sockets of Node. */
export function lanTest(name: string, run: () => Promise<void>, timeout?: number): void {
  for (const each of ["bun", hasNode ? "node" : "bun, node's sockets"] as const) {
    const runIn = async () => {
      runtime = each;
      await run().finally(() => (runtime = "bun"));
    };
    bunTest(`[${each}] ${name}`, runIn, timeout);
  }
}
