/** Servers whose name has several addresses, of which some do not work. */
import { describe, expect, setDefaultTimeout } from "bun:test";
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../../support/netns.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import type { AddressResult, Task } from "./agent.ts";
import { ADDRESSES, bundleForNode, PORT, serverNetwork } from "./network.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const AGENT = new URL("./agent.ts", import.meta.url).pathname;
const KINDS = ["right", "refused", "dropped", "unroutable"] as const;
/** Each combination of a AAAA and an A record, by what happens to packets that are sent to them. */
const NAMES: Record<string, string[]> = { "no-address": [] };
for (const v6 of KINDS) for (const v4 of KINDS) NAMES[`${v6}-${v4}`] = [ADDRESSES.v6[v6], ADDRESSES.v4[v4]];

async function run(runtime: string): Promise<Record<string, AddressResult>> {
  await using network = await serverNetwork();
  const node = Bun.which("node");
  await using bundle = runtime === "Node" ? await bundleForNode(AGENT) : undefined;
  const script = bundle === undefined ? [process.execPath, AGENT] : [node!, bundle.path];
  const task: Task = { nodeSockets: runtime !== "Bun", names: NAMES, port: PORT };
  const child = Bun.spawn(network.client.command([...script, JSON.stringify(task)]), {
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await child.stdout.text();
  expect(await child.exited).toBe(0);
  return JSON.parse(output);
}

describe("of a server's addresses one that works is found, and else it is said that none does", () => {
  for (const runtime of ["Bun", "Bun with the sockets of Node", "Node"]) {
    const there = hasNetns && (runtime !== "Node" || Bun.which("node") !== null);
    testIf(there, runtime === "Node" ? `${NEEDS_NETNS}, node` : NEEDS_NETNS)(runtime, async () => {
      const results = await run(runtime);
      for (const [name, { found, code, message, queries, announced }] of Object.entries(results)) {
        const kinds = name.split("-");
        if (kinds.includes("right")) {
          expect(found, name).toBe(7777);
          // Two sockets, and less than three attempts of each: it does not take all retries.
          expect(queries, name).toBeLessThanOrEqual(6);
          const right = kinds[0] === "right" ? `[${ADDRESSES.v6.right}]:${PORT}` : `${ADDRESSES.v4.right}:${PORT}`;
          expect(announced, name).toBe(right);
          continue;
        }
        expect(found, name).toBeUndefined();
        if (kinds.includes("dropped")) {
          expect(code, name).toBeUndefined();
          expect(announced, name).toContain(`${name}:${PORT}: it does not answer`);
          continue;
        }
        if (name === "no-address") expect(code).toBe("ENOTFOUND");
        else if (runtime === "Bun with the sockets of Node" && kinds.includes("unroutable")) expect(code).toBeDefined();
        else expect(["ECONNREFUSED", "ENETUNREACH"], name).toContain(code!);
        expect(message, name).toStartWith(`${name}:${PORT}: `);
        expect(message!.split("\n"), name).toHaveLength(1);
        expect(announced, name).toBe(message);
      }
    });
  }
});
