import { expect, test } from "bun:test";
import { Clock } from "../../src/server/clock.ts";

test("a new clock has the system's time, and clocks of other threads agree with it, also if its thread was interrupted while it read it", () => {
  const real = Date.now;
  let interruptions = 3;
  Date.now = () => {
    for (const end = performance.now() + 20; interruptions > 0 && performance.now() < end; );
    interruptions--;
    return real();
  };
  try {
    const clock = new Clock();
    const ofAnotherThread = new Clock(clock.epoch);
    // All count whole milliseconds.
    for (const one of [clock, ofAnotherThread]) expect(one.now() - real()).toBeWithin(-2, 3);
  } finally {
    Date.now = real;
  }
});
