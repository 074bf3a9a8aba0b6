/** All commands of the command line under Bun. */
import type { Command } from "commander";
import { announceCommand } from "./announce.ts";
import { benchCommand } from "./bench.ts";
import { completionCommand } from "./completion.ts";
import { decodeCommand } from "./decode.ts";
import { journalCommand } from "./journal.ts";
import { lookupCommand } from "./lookup.ts";
import { serverCommand } from "./server.ts";
import { statusCommand } from "./status.ts";
import { watchCommand } from "./watch.ts";
import { xdrCommand } from "./xdr.ts";

export function allCommands(): Command[] {
  return [
    serverCommand(),
    statusCommand(),
    announceCommand(),
    lookupCommand(),
    watchCommand(),
    journalCommand(),
    decodeCommand(),
    xdrCommand(),
    benchCommand(),
    completionCommand(),
  ];
}
