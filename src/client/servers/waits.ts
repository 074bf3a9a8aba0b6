/**
 * Waits between the attempts of a query, in ms: eight attempts in 4.1 s. If 30 % of the datagrams are lost each way, at
 * least one attempt succeeds in 99.5 % of cases, within the 5 s of a lookup. Longer lookups go on with the last wait.
 */
export const RETRY_WAITS = [250, 350, 500, 600, 700, 800, 900] as const;
const LAST_RETRY_WAIT = 1_500;
/**
 * Waits vary by up to 5 steps of 3.1 % either way. Otherwise all attempts could meet a server's rate limit in the same phase. Few
 * different waits, because each one has a queue in deadlines.ts.
 */
const JITTER_STEP = 0.031;
const JITTER_STEPS = 5;

/** The wait after attempt number `attempt`, from 0 on, in ms. */
export function retryWait(attempt: number): number {
  const steps = Math.floor(Math.random() * (2 * JITTER_STEPS + 1)) - JITTER_STEPS;
  return (RETRY_WAITS[attempt] ?? LAST_RETRY_WAIT) * (1 + JITTER_STEP * steps);
}
