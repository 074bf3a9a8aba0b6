/** The Node that runs the client and the command line in tests. */

/** The PATH without node_modules folders: `bun run` adds them, and as-pect installs an npm 6 there. */
export const PATH = (Bun.env.PATH ?? "")
  .split(":")
  .filter((folder) => !folder.includes("node_modules"))
  .join(":");

/** The reason that is given when tests are skipped. */
export const NEEDS_NODE = "needs Node 20.16 or later";

export const NODE: string = Bun.which("node", { PATH }) ?? "node";

/** `--version` takes 10 ms, a script 60 ms, and every test file that runs a program asks. */
function isNewEnough(): boolean {
  if (Bun.which(NODE) === null) return false;
  return Bun.semver.satisfies(Bun.spawnSync([NODE, "--version"]).stdout.toString().trim(), "^20.16 || >=22.3");
}

export const hasNode: boolean = isNewEnough();
