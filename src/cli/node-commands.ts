/** The commands under Node: those of the client, `decode` and `xdr`. The others need Bun, and say so. */
import { needsBun } from "./bun-commands.ts";
import { runProgram } from "./program.ts";

await runProgram({
  server: async () => needsBun("server"),
  status: async () => (await import("./status.ts")).statusCommand(),
  announce: async () => (await import("./announce.ts")).announceCommand(),
  lookup: async () => (await import("./lookup.ts")).lookupCommand(),
  watch: async () => (await import("./watch.ts")).watchCommand(),
  journal: async () => needsBun("journal"),
  decode: async () => (await import("./decode.ts")).decodeCommand(),
  xdr: async () => (await import("./xdr.ts")).xdrCommand(),
  bench: async () => needsBun("bench"),
  completion: async () => (await import("./completion.ts")).completionCommand(),
});
