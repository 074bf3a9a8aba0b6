/** The commands of the command line under Bun. */
import type { Commands } from "./program.ts";

/** In the order of the help. */
export const COMMANDS: Commands = {
  server: async () => (await import("./server.ts")).serverCommand(),
  status: async () => (await import("./status.ts")).statusCommand(),
  announce: async () => (await import("./announce.ts")).announceCommand(),
  lookup: async () => (await import("./lookup.ts")).lookupCommand(),
  watch: async () => (await import("./watch.ts")).watchCommand(),
  journal: async () => (await import("./journal.ts")).journalCommand(),
  decode: async () => (await import("./decode.ts")).decodeCommand(),
  xdr: async () => (await import("./xdr.ts")).xdrCommand(),
  bench: async () => (await import("./bench.ts")).benchCommand(),
  completion: async () => (await import("./completion.ts")).completionCommand(),
};
