// What keeps a program running, under Bun and under Node.
import { expect } from "bun:test";
import { program } from "../../client/lan/agents.ts";
import { testIf } from "../../support/needs.ts";
import { hasNode, NEEDS_NODE } from "../../support/node.ts";

for (const runtime of ["bun", "node"] as const) {
  testIf(runtime === "bun" || hasNode, NEEDS_NODE)(
    `[${runtime}] a program ends after unref(), close() or its signal, and not before`,
    async () => {
      const command = await program(new URL("./open.ts", import.meta.url), runtime);
      for (const how of ["unref", "close", "abort"]) {
        const child = Bun.spawn([...command, how], { stdout: "pipe", stderr: "inherit" });
        expect(await child.stdout.text()).toBe("still open\n");
        expect(await child.exited).toBe(0);
      }
    },
  );
}
