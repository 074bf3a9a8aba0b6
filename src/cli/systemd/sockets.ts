/** Sockets that systemd has bound for this process (sd_listen_fds): a socket unit keeps them open across restarts. */

/** The first descriptor that systemd passes. */
const FIRST = 3;

/**
 * Takes the descriptors from the environment, and removes the variables, so that processes which this one starts do not take them
 * for theirs.
 *
 * @returns none if systemd passed none to this process
 */
export function takeListenSockets(env: NodeJS.ProcessEnv, pid: number): number[] {
  const { LISTEN_PID, LISTEN_FDS } = env;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  if (Number(LISTEN_PID) !== pid) return [];
  return Array.from({ length: Number(LISTEN_FDS) || 0 }, (_, i) => FIRST + i);
}
