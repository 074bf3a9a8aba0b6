#!/usr/bin/env bun
/** The command line under Bun, with all commands: one file each. */
import { announceCommand } from "./announce.ts";
import { benchCommand } from "./bench.ts";
import { completionCommand } from "./completion.ts";
import { decodeCommand } from "./decode.ts";
import { journalCommand } from "./journal.ts";
import { lookupCommand } from "./lookup.ts";
import { runProgram } from "./program.ts";
import { serverCommand } from "./server.ts";
import { statusCommand } from "./status.ts";
import { watchCommand } from "./watch.ts";

await runProgram([
  serverCommand(),
  statusCommand(),
  announceCommand(),
  lookupCommand(),
  watchCommand(),
  journalCommand(),
  decodeCommand(),
  benchCommand(),
  completionCommand(),
]);
