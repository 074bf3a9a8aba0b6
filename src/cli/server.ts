/** `whereabouts server`: runs a discovery server until a signal stops it. */

import { getLogger } from "@logtape/logtape";
import { Command } from "commander";
import type { AdminOptions, AdminServer } from "../admin/index.ts";
import { DiscoveryServer, ServerError, type ServerOptions } from "../server/index.ts";
import { checkOptions } from "../server/resolve.ts";
import { DESCRIPTIONS } from "./bun-commands.ts";
import { unknownVariables } from "./environment.ts";
import { optionErrorText } from "./errors.ts";
import { adminOptions, startAdmin } from "./server/admin.ts";
import { adviceFor } from "./server/advice.ts";
import { applyConfig } from "./server/config.ts";
import { addServerFlags, type Flags } from "./server/flags.ts";
import { configLines } from "./server/print-config.ts";
import { JOURNAL_LATE_S, logStart, logStats } from "./server/report.ts";
import { untilStopSignal } from "./signals/stop-signals.ts";
import { Systemd } from "./systemd/systemd.ts";
import { configureLog, flushRepeats, writeLog } from "./terminal/log.ts";
import { print, printError } from "./terminal/output.ts";
import { visible } from "./terminal/style.ts";

const logger = getLogger(["whereabouts", "server"]);
const STATS_INTERVAL_MS = 60_000;
/** More than the time from the first packet that a worker can receive until the server has started. */
const LISTENING_MS = 500;

const HELP = `
A flag wins over its environment variable, a variable over the file of --config. An empty variable counts as not set.
Logs to standard output what it listens on, statistics once a minute, and all counters at the end.
SIGINT (Ctrl-C), SIGTERM and SIGHUP stop it. A second SIGINT or SIGTERM ends it at once.
Exit code 0: it was stopped. 1: it cannot listen, or use its journal or its interface
(--fallback no), or it failed. 2: wrong use.

Examples:
  whereabouts server
  whereabouts server --host 192.0.2.1 --host 2001:db8::1 --journal redis://valkey.example.org
  whereabouts server --print-config > whereabouts.toml
  whereabouts server --config whereabouts.toml`;

export function serverCommand(): Command {
  return addServerFlags(new Command("server").description(DESCRIPTIONS.server))
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .action(run);
}

async function run(_flags: Flags, command: Command): Promise<void> {
  const warnings = [applyConfig(command) ?? [], unknownVariables(command.parent!)].flat().map(visible);
  const {
    admin: adminAddress,
    adminToken,
    logLevel,
    logFormat,
    host,
    port,
    sharePort,
    config: _,
    printConfig,
    ...others
  } = command.opts<Flags>();
  const systemd = new Systemd();
  if (others.http !== "off" && others.trustProxy.length === 0) {
    command.error(
      "error: --http needs --trust-proxy: the network of the proxies that tell the certificates of clients",
      {
        exitCode: 2,
      },
    );
  }
  const options = { ...others, ...listenOptions({ host, port, sharePort }, systemd.sockets, command) };
  warnings.push(...withoutEffect(options, command));
  // Before anything is started or opened.
  await attempt(() => checkOptions(options), command);
  const adminAt = adminOptions(adminAddress, adminToken, command);
  if (printConfig) {
    for (const warning of warnings) printError(`whereabouts: warning: ${warning}`);
    await print(`${configLines(command).join("\n")}\n`);
    return;
  }
  await configureLog({ logLevel, logFormat });
  // As a property: the text of a message must not contain braces.
  for (const warning of [...warnings, systemd.warning ?? []].flat()) logger.warning("{warning}", { warning });
  const stop = untilStopSignal();
  const running = await untilStartedOrStopped(start(options, adminAt, command, stop), stop);
  await serve(running, systemd, stop);
}

interface Running {
  readonly server: DiscoveryServer;
  /** Undefined with `--admin off`. */
  readonly admin: AdminServer | undefined;
}

async function start(
  options: Partial<ServerOptions>,
  adminAt: AdminOptions | undefined,
  command: Command,
  stop: Promise<string>,
): Promise<Running> {
  const admin = await startAdmin(adminAt, command);
  void stop.then(() => admin?.stopping());
  try {
    return { admin, server: await attempt(() => DiscoveryServer.start(options), command) };
  } catch (error) {
    // The process would not end while it listens.
    await admin?.stop();
    throw error;
  }
}

/** Waits for a start. If a signal comes first, ends the program: to restore the journal may take long. */
async function untilStartedOrStopped(starting: Promise<Running>, stop: Promise<string>): Promise<Running> {
  const first = await Promise.race([starting, stop]);
  if (typeof first !== "string") return first;
  // Its workers listen before it reports that it does, so they may have stored announcements already.
  const late = await Promise.race([starting, Bun.sleep(LISTENING_MS)]);
  await late?.server.stop();
  logger.info(`stopped by ${first} before it listened`);
  await writeLog();
  process.exit(0);
}

/** Runs until a signal, or until the server fails, and ends the program. */
async function serve({ server, admin }: Running, systemd: Systemd, stop: Promise<string>): Promise<never> {
  logStart(server);
  void systemd.watch(server);
  admin?.watch(server);

  let before = server.stats();
  const timer = setInterval(() => {
    const now = server.stats();
    logStats("in the last minute", before, now);
    before = now;
  }, STATS_INTERVAL_MS);
  let error: Error | undefined;
  const signal = await Promise.race([
    stop,
    server.closed.catch((cause: Error) => {
      error = cause;
    }),
  ]);
  clearInterval(timer);
  systemd.stopping();
  // Until the end it answers that the server is stopping.
  await server.stop();
  await admin?.stop();
  flushRepeats();
  const { lag } = server.stats().journal;
  if (lag >= JOURNAL_LATE_S) {
    logger.warning(
      `stopped while the journal was ${Math.round(lag)} s late: it lacks the announcements of that time, so their nodes are unknown until they announce themselves again`,
    );
  }
  logStats(error ? "failed after" : `stopped by ${signal} after`, undefined, server.stats());
  await writeLog();
  if (error) console.error(`whereabouts: error: ${visible(error.message)}`);
  process.exit(error ? 1 : 0);
}

/** Where to listen: sockets of systemd, or the flags. Without a host the server chooses it: it may be one without IPv6. */
function listenOptions(
  { host, ...rest }: Pick<Flags, "host" | "port" | "sharePort">,
  sockets: readonly number[],
  command: Command,
): Partial<ServerOptions> {
  if (sockets.length === 0) return host.length === 0 ? rest : { ...rest, host };
  const given = ["host", "port", "sharePort"].find((name) => command.getOptionValueSource(name) !== "default");
  if (given !== undefined) {
    const { long, envVar } = command.options.find((option) => option.attributeName() === given)!;
    command.error(
      `error: systemd passes the sockets, so ${long} has no effect: remove it (or ${envVar}), or disable the socket unit`,
      { exitCode: 2 },
    );
  }
  return { sockets };
}

/** Flags that do nothing without another one: which, and whether it is there. */
const NEEDS: Readonly<
  Record<string, readonly [needed: string, isThere: (options: Partial<ServerOptions>) => boolean]>
> = {
  httpsCert: ["--https", ({ https }) => https !== "off"],
  httpsKey: ["--https", ({ https }) => https !== "off"],
  trustProxy: ["--http", ({ http }) => http !== "off"],
  proxyHeader: ["--http", ({ http }) => http !== "off"],
  interface: ["--transport xdp", ({ transport }) => transport === "xdp"],
  fallback: ["--transport xdp", ({ transport }) => transport === "xdp"],
  // Sockets of systemd are read by recvmmsg.
  coalesce: ["--transport mmsg or xdp", ({ transport, sockets = [] }) => transport !== "udp" || sockets.length > 0],
};

/** A warning for each flag or variable of {@link NEEDS} that is set in vain. A file may have all, as --print-config prints them. */
function withoutEffect(options: Partial<ServerOptions>, command: Command): string[] {
  return Object.entries(NEEDS).flatMap(([name, [needed, isThere]]) => {
    const isGiven = ["cli", "env"].includes(command.getOptionValueSource(name) ?? "");
    if (!isGiven || isThere(options)) return [];
    const { long } = command.options.find((option) => option.attributeName() === name)!;
    return `${long} has no effect without ${needed}`;
  });
}

/** Ends the command with one line if the options are wrong or the server cannot start. */
async function attempt<T>(run: () => T | Promise<T>, command: Command): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const text = optionErrorText(error as Error, command, suspects(error));
    const { port, journal } = command.opts<Flags>();
    const advice = adviceFor(error, port, journal);
    return command.error(`error: ${text}${advice === undefined ? "" : `; ${advice}`}`, {
      exitCode: error instanceof ServerError ? 1 : 2,
    });
  }
}

/** The options that cause errors which name no option. */
function suspects(error: unknown): (keyof ServerOptions)[] {
  // Each is in its range, but together they need too much memory.
  if (!(error instanceof ServerError)) return ["capacity", "maxIdLength"];
  if (error.code === "ENOTSUP") return ["transport"];
  if (error.code === "xdp") return ["interface"];
  if (error.code === "key-pair") return ["httpsCert", "httpsKey"];
  const directory = /^cannot listen on (https?) /.exec(error.message)?.[1] as "https" | "http" | undefined;
  if (directory !== undefined) return [directory];
  return error.message.startsWith("cannot listen") ? ["host", "port"] : ["journal"];
}
