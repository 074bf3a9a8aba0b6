/** The Node that runs the client and the command line in tests. */

/** The PATH without node_modules folders: `bun run` adds them, and as-pect installs an npm 6 there. */
export const PATH = (Bun.env.PATH ?? "")
  .split(":")
  .filter((folder) => !folder.includes("node_modules"))
  .join(":");

/** The reason that is given when tests are skipped. */
export const NEEDS_NODE = "needs Node 20.16 or later";

export const NODE: string = Bun.which("node", { PATH }) ?? "node";

export const hasNode: boolean =
  Bun.which(NODE) !== null && Bun.spawnSync([NODE, "-e", "process.getBuiltinModule.name"]).exitCode === 0;
