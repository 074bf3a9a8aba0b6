/** What the tests of clocks have in common. */

/** In ms. */
export const HOUR = 3_600_000;

/** Steps of a clock, shorter and longer than the retention of an hour: the words for it, and by how many ms it is set ahead. */
export const CLOCK_STEPS = [
  ["5 s ahead", 5_000],
  ["5 s back", -5_000],
  ["2 hours ahead", 2 * HOUR],
  ["2 hours back", -2 * HOUR],
] as const;

/** Names of nodes: `name` and a number from 0 on. */
export const range = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}${i}`);
