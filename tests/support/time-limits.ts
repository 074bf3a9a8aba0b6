/**
 * How long tests may take and wait. These limits only end what hangs. They are generous, because a busy machine may be ten times
 * slower than an idle one: a test passes or fails by what it observes, not by how fast it is.
 */

/** Limit of one test, in ms. scripts/check.ts passes it to `bun test`. */
export const TEST_LIMIT_MS = 60_000;

/** Limit of a test that installs packages, builds, compiles or runs a long load, in ms. */
export const LONG_LIMIT_MS = 180_000;

/** Limit of one wait within a test, in ms. It is less than a test's limit, so the wait's own error is reported. */
const WAIT_LIMIT_MS = 30_000;

/** How often {@link until} looks. */
const POLL_MS = 5;

/**
 * Waits until `condition` returns true.
 *
 * @param what - what the test waits for, for the error message
 * @throws {Error} if that takes more than `timeout` ms
 */
export async function until(condition: () => boolean, what: string, timeout = WAIT_LIMIT_MS): Promise<void> {
  const end = performance.now() + timeout;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${timeout} ms in vain for ${what}`);
    await Bun.sleep(POLL_MS);
  }
}
