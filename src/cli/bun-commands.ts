/** The commands that need Bun: what the command line says of them under Bun and under Node. */
import { Command } from "commander";
import { variableOf } from "./environment.ts";
import { flag } from "./values.ts";

export const DESCRIPTIONS = {
  server: "Run a discovery server: it stores announcements and answers queries on UDP.",
  journal: "Inspect a server's journal, or copy it to another journal or machine.",
  bench: "Measure codec, XDR and packet engine, and compare them with other libraries. Needs a checkout.",
} as const;

/** Flags that only these commands have. Their variables may be set for a server while another command runs. */
const FLAGS = [
  ...[
    "host",
    "port",
    "share-port",
    "workers",
    "transport",
    "fallback",
    "coalesce",
    "receive-buffer",
    "engine",
    "capacity",
    "max-id-length",
    "retention",
  ],
  ...["source-rate", "source-burst", "node-rate", "node-burst", "new-rate", "new-burst", "allow", "limit-dry-run"],
  ...["https", "https-cert", "https-key", "http", "trust-proxy", "proxy-header"],
  ...["https-unverified", "https-capacity"],
  ...["journal", "journal-prefix", "admin", "admin-token", "log-level", "log-format", "config"],
];

/** The variables of these flags, and of the server's `--interface`. */
export const SERVER_VARIABLES: readonly string[] = [
  ...FLAGS.map((name) => variableOf(name)),
  variableOf("interface", "server"),
];

/** The exit code of a shell for a command that is not there; that of bin/whereabouts without Bun and Node. */
const NOT_THERE = 127;

/** A command that only says, in one line, that it needs Bun, whatever its arguments. */
export function needsBun(name: keyof typeof DESCRIPTIONS): Command {
  const command = new Command(name)
    .description(`${DESCRIPTIONS[name]} Needs Bun.`)
    .usage("[options]")
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      command.error(
        `error: ${name} needs Bun, and this is Node: install Bun (https://bun.sh), or run npx -y -p bun -p whereabouts whereabouts ${name} ...`,
        { exitCode: NOT_THERE },
      );
    });
  for (const name of FLAGS) command.addOption(flag(`--${name} [value]`, "").hideHelp());
  command.addOption(flag("--interface [value]", "", "server").hideHelp());
  return command;
}
