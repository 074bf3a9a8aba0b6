/** Tests that need what a machine may not have: skipped with the reason there, a failure where CI is to have everything. */
import { test } from "bun:test";

/** `test`, if `there`; else a test that is skipped, its reason in its name. With CI=true nothing is skipped. */
export function testIf(
  there: boolean,
  reason: string,
): (name: string, run: () => Promise<void>, timeout?: number) => void {
  if (there || Bun.env.CI === "true") return test;
  return (name, run, timeout) => test.skip(`${name} (${reason})`, run, timeout);
}
