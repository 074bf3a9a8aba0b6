/** The commands under Node: those of the client, `decode` and `xdr`. The others need Bun, and say so. */
import { announceCommand } from "./announce.ts";
import { needsBun } from "./bun-commands.ts";
import { completionCommand } from "./completion.ts";
import { decodeCommand } from "./decode.ts";
import { lookupCommand } from "./lookup.ts";
import { runProgram } from "./program.ts";
import { statusCommand } from "./status.ts";
import { watchCommand } from "./watch.ts";
import { xdrCommand } from "./xdr.ts";

await runProgram([
  needsBun("server"),
  statusCommand(),
  announceCommand(),
  lookupCommand(),
  watchCommand(),
  needsBun("journal"),
  decodeCommand(),
  xdrCommand(),
  needsBun("bench"),
  completionCommand(),
]);
