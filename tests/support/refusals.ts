/** Command lines that are wrong. */
import { beforeAll, describe, expect, test } from "bun:test";
import { runInOneProcess } from "./one-process.ts";
import type { Outcome } from "./one-process-main.ts";
import { TEST_LIMIT_MS } from "./time-limits.ts";

/** Tests that a command refuses each of these arguments in one line that contains the complaint, with exit code 2. */
export function testRefusals(
  command: string,
  refusals: readonly (readonly [what: string, args: readonly string[], complaint: string])[],
): void {
  describe(`whereabouts ${command}`, () => {
    let outcomes: readonly Outcome[];
    beforeAll(async () => {
      outcomes = await Promise.all(refusals.map(([, args]) => runInOneProcess([command, ...args])));
    }, TEST_LIMIT_MS);

    for (const [i, [what, , complaint]] of refusals.entries()) {
      test(`refuses ${what} in one line, with exit code 2`, () => {
        const { out, err, code } = outcomes[i]!;
        expect(err).toStartWith("whereabouts: error: ");
        expect(err).toContain(complaint);
        expect(err.split("\n")).toHaveLength(2);
        expect({ out, code }).toEqual({ out: "", code: 2 });
      });
    }
  });
}
