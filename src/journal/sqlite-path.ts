/** Where the registry is kept when nobody says where. */
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * `registry.db` in the folder that systemd gives a service (StateDirectory=), else in that for state of the user (XDG Base
 * Directory): `$STATE_DIRECTORY`, `$XDG_STATE_HOME/whereabouts` or `~/.local/state/whereabouts`.
 */
export function defaultSqlitePath(env: Readonly<Record<string, string | undefined>> = Bun.env): string {
  // A service may have several; the first is the one it was given first.
  const service = env.STATE_DIRECTORY?.split(":")[0];
  if (service) return join(service, "registry.db");
  const state = env.XDG_STATE_HOME?.startsWith("/") ? env.XDG_STATE_HOME : join(homedir(), ".local", "state");
  return join(state, "whereabouts", "registry.db");
}
