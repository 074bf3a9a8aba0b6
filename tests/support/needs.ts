/** Tests that need something that not every machine has. They are skipped there, but not in CI. */
import { test } from "bun:test";

/** `test`, if `there` is true or CI=true is set. Else a test that is skipped, with the reason in its name. */
export function testIf(
  there: boolean,
  reason: string,
): (name: string, run: () => Promise<void>, timeout?: number) => void {
  if (there || Bun.env.CI === "true") return test;
  return (name, run, timeout) => test.skip(`${name} (${reason})`, run, timeout);
}
