/** The command line under Node, built as dist/cli.js. */

// An older Node could not even load what the commands import.
if (process.getBuiltinModule === undefined) {
  console.error(
    `whereabouts: error: needs Node 20.16 or later, and this is ${process.version}: update it, or install Bun (https://bun.sh)`,
  );
  process.exit(127);
}
await import("./node-commands.ts");

export {};
