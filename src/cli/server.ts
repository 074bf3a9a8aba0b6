/** `whereabouts server`: runs a discovery server until a signal stops it. */

import { getLogger } from "@logtape/logtape";
import { Command, InvalidArgumentError } from "commander";
import { MAX_ID_LENGTH } from "../../assembly/layout.ts";
import { version } from "../../package.json";
import { escapeLogText } from "../journal/index.ts";
import {
  DiscoveryServer,
  defaultServerOptions,
  formatNetwork,
  type JournalStats,
  MAX_WORKERS,
  MOST_RECEIVE_BUFFER,
  type ResolvedServerOptions,
  ServerError,
  type ServerOptions,
  type ServerStats,
  TRANSPORTS,
} from "../server/index.ts";
import { DESCRIPTIONS } from "./bun-commands.ts";
import { unknownVariables } from "./environment.ts";
import { optionErrorText } from "./errors.ts";
import { networks } from "./networks.ts";
import { untilStopSignal } from "./signals/stop-signals.ts";
import { configureLog, LOG_FORMATS, LOG_LEVELS, type LogOptions } from "./terminal/log.ts";
import { count, showAddress, visible } from "./terminal/style.ts";
import { flag, names, number, oneOf, toggle, whole, wholeOrAuto } from "./values.ts";

const logger = getLogger(["whereabouts", "server"]);
const STATS_INTERVAL_MS = 60_000;
/** A shorter delay until announcements reach the journal is normal and is not reported. */
const JOURNAL_LATE_S = 2;

const HELP = `
Logs to standard output what it listens on, statistics once a minute, and all counters at the end.
SIGINT (Ctrl-C), SIGTERM and SIGHUP stop it: exit code 0. A second SIGINT or SIGTERM ends it at once. Exit code 1: it cannot
listen, or it failed. Exit code 2: wrong use.
A flag wins over its environment variable. An empty variable counts as not set.`;

interface Flags extends ServerOptions, LogOptions {
  /** Empty if none is given. */
  readonly host: readonly string[];
  readonly admin: string;
}

export function serverCommand(): Command {
  const d = defaultServerOptions();
  const rate = number(0);
  const burst = number(1);
  return (
    new Command("server")
      .description(DESCRIPTIONS.server)
      .addOption(
        flag("--host <address>", "address to listen on; may be repeated; :: is every interface, IPv6 and IPv4")
          .argParser(names)
          .default([], "::"),
      )
      .addOption(flag("--port <port>", "UDP port; 0 takes a free one").default(d.port).argParser(whole(0, 65535)))
      .addOption(
        flag("--workers <n>", "threads that handle packets; auto: the number of processors minus 1 on Linux, else 1")
          .default(d.workers)
          .argParser(wholeOrAuto(1, MAX_WORKERS)),
      )
      .addOption(
        flag("--transport <name>", "udp works everywhere; mmsg takes less processor time, on Linux only")
          .default(d.transport)
          .choices(TRANSPORTS),
      )
      .addOption(
        flag("--receive-buffer <bytes>", "buffer for packets that wait, per worker")
          .default(d.receiveBuffer)
          .argParser(whole(1, MOST_RECEIVE_BUFFER)),
      )
      .addOption(flag("--engine <name>", "packet engine").default(d.engine).choices(["wasm", "ts"]))
      .addOption(
        flag(
          "--capacity <nodes>",
          "the most nodes that are stored; beyond that, new ones replace those announced only once",
        )
          .default(d.capacity)
          .argParser(whole(1, 2 ** 32)),
      )
      .addOption(
        flag("--max-id-length <bytes>", "the longest NodeID").default(d.maxIdLength).argParser(whole(1, MAX_ID_LENGTH)),
      )
      .addOption(
        flag("--retention <seconds>", "how long an announcement is valid")
          .default(d.retention)
          .argParser(whole(1, 1e9)),
      )
      .addOption(
        flag("--source-rate <n>", "queries, and announcements, per second from one source; 0: no limit")
          .default(d.sourceRate)
          .argParser(rate),
      )
      .addOption(
        flag("--source-burst <n>", "queries at once from one source, and announcements unless --new-burst is more")
          .default(d.sourceBurst)
          .argParser(burst),
      )
      .addOption(
        flag("--node-rate <n>", "queries per second for one NodeID, a thousandth of it for each source; 0: no limit")
          .default(d.nodeRate)
          .argParser(rate),
      )
      .addOption(
        flag("--node-burst <n>", "queries at once for one NodeID, a thousandth of it for each source")
          .default(d.nodeBurst)
          .argParser(burst),
      )
      .addOption(
        flag("--new-rate <n>", "new NodeIDs, and new addresses of known ones, per second from one source; 0: no limit")
          .default(d.newRate)
          .argParser(rate),
      )
      .addOption(
        flag("--new-burst <n>", "new NodeIDs, and new addresses of known ones, at once from one source")
          .default(d.newBurst)
          .argParser(burst),
      )
      .addOption(
        flag("--allow <cidr>", "network without limits; may be repeated").argParser(networks).default([], "none"),
      )
      .addOption(toggle("--limit-dry-run", "count packets above a limit, but handle them"))
      .addOption(
        flag(
          "--journal <where>",
          "where announcements are kept across restarts: sqlite, sqlite:PATH, redis://…, rediss://…, valkey://… or memory (not kept)",
        ).default("sqlite"),
      )
      .addOption(flag("--journal-prefix <text>", "prefix of the keys in Redis").default(d.journalPrefix))
      // Accepted, since scripts may turn it off already. Help omits it until there is something to turn on.
      .addOption(
        flag("--admin <address>", "")
          .default("off")
          .hideHelp()
          .argParser((text) => {
            if (text === "off") return text;
            throw new InvalidArgumentError("This version has no admin page: leave it out, or set it to off.");
          }),
      )
      .addOption(
        flag("--log-level <level>", "the least severe level that is logged; warn is warning")
          .default("info")
          .choices(LOG_LEVELS)
          .argParser(oneOf(LOG_LEVELS, { warn: "warning" })),
      )
      .addOption(flag("--log-format <format>", "format of the log").default("pretty").choices(LOG_FORMATS))
      .addHelpText("after", HELP)
      .allowExcessArguments(false)
      .action(run)
  );
}

async function run({ admin: _, logLevel, logFormat, host, ...others }: Flags, command: Command): Promise<void> {
  await configureLog({ logLevel, logFormat });
  // As a property: the text of a message must not contain braces.
  for (const warning of unknownVariables(command.parent!)) logger.warning("{warning}", { warning: visible(warning) });
  const stop = untilStopSignal();
  // Without a host the server chooses it: it may be one without IPv6.
  const options = host.length === 0 ? others : { ...others, host };
  // A signal must not wait until the journal is restored, which may take long.
  const server = await Promise.race([start(options, command), stop]);
  if (typeof server === "string") {
    logger.info(`stopped by ${server} before it listened`);
    process.exit(0);
  }
  logStart(server);

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
  await server.stop();
  logStats(error ? "failed after" : `stopped by ${signal} after`, undefined, server.stats());
  if (error) console.error(`whereabouts: error: ${visible(error.message)}`);
  process.exit(error ? 1 : 0);
}

async function start(options: Partial<ServerOptions>, command: Command): Promise<DiscoveryServer> {
  try {
    return await DiscoveryServer.start(options);
  } catch (error) {
    const text = optionErrorText(error as Error, command, suspects(error));
    return command.error(`error: ${text}`, { exitCode: error instanceof ServerError ? 1 : 2 });
  }
}

/** The options that cause errors which name no option. */
function suspects(error: unknown): (keyof ServerOptions)[] {
  // Each is in its range, but together they need too much memory.
  if (!(error instanceof ServerError)) return ["capacity", "maxIdLength"];
  if (error.code === "ENOTSUP") return ["transport"];
  return error.message.startsWith("cannot listen") ? ["host", "port"] : ["journal"];
}

function logStart(server: DiscoveryServer): void {
  const { host, transport, engine, capacity, maxIdLength, retention } = server.options;
  const { address, addresses, port, receiveBuffer } = server;
  const { workers, journal: journalStats } = server.stats();
  const { where: journal, restored, restoreSeconds } = journalStats;
  const where = addresses.map((ip) => showAddress({ ip, port })).join(", ");
  logger.info(
    `whereabouts ${version} listens on udp ${where}: ${engine} engine, ${count(workers, "worker")}, transport ${transport}, journal ${escapeLogText(journal)}`,
    {
      version,
      host: [host].flat().join(),
      address,
      addresses,
      port,
      engine,
      workers,
      transport,
      receiveBuffer,
      journal,
    },
  );
  logger.info(
    `stores up to ${capacity} nodes with NodeIDs of up to ${maxIdLength} bytes, each for ${retention} s; ${limits(server.options)}`,
    { capacity, maxIdLength, retention },
  );
  if (journal !== "memory") {
    logger.info(`${count(restored, "node")} restored from the journal in ${restoreSeconds.toFixed(2)} s`, {
      restored,
      restoreSeconds,
    });
  }
  const asked = server.options.receiveBuffer;
  if (receiveBuffer !== undefined && receiveBuffer < asked) {
    logger.warning(
      `the system grants a receive buffer of ${receiveBuffer} bytes, not of ${asked}, so bursts may be lost: run sysctl -w net.core.rmem_max=${asked}`,
      { receiveBuffer, asked },
    );
  }
}

function limits(o: ResolvedServerOptions): string {
  const text = (name: string, rate: number, burst: number) =>
    rate === 0 ? `${name} none` : `${name} ${rate}/s, ${burst} at once`;
  return [
    text("limits per source", o.sourceRate, o.sourceBurst),
    text("per NodeID", o.nodeRate, o.nodeBurst),
    text("new NodeIDs per source", o.newRate, o.newBurst),
    ...(o.allow.length > 0 ? [`none for ${o.allow.map(formatNetwork).join(", ")}`] : []),
    ...(o.limitDryRun ? ["dry run: limits are counted, not enforced"] : []),
  ].join("; ");
}

/** Counters of the journal since `before`, and by how many seconds it is late. */
function journalCounters(before: JournalStats | undefined, now: JournalStats) {
  const since = (name: "appended" | "merged" | "noRoom" | "ahead" | "bad" | "errors") =>
    now[name] - (before?.[name] ?? 0);
  return {
    journalAppended: since("appended"),
    journalMerged: since("merged"),
    journalNoRoom: since("noRoom"),
    journalAhead: since("ahead"),
    journalBad: since("bad"),
    journalErrors: since("errors"),
    journalLateSeconds: now.lag < JOURNAL_LATE_S ? 0 : Math.round(now.lag),
  };
}

/** Logs counters since `before`, or since the start: `stopped by SIGTERM after 8 packets: 4 answered, 4 stored; 1 node, …`. */
function logStats(title: string, before: ServerStats | undefined, now: ServerStats): void {
  const since = (name: keyof ServerStats["verdicts"]) => now.verdicts[name] - (before?.verdicts[name] ?? 0);
  const verdicts = Object.fromEntries(
    (Object.keys(now.verdicts) as (keyof ServerStats["verdicts"])[]).map((name) => [name, since(name)]),
  );
  const received = now.received - (before?.received ?? 0);
  const unsent = now.unsent - (before?.unsent ?? 0);
  const displaced = now.displaced - (before?.displaced ?? 0);
  const residentMB = Math.round(process.memoryUsage.rss() / 1e6);
  const journal = journalCounters(before?.journal, now.journal);

  const list = (parts: readonly (readonly [number, string])[]) =>
    parts.flatMap(([n, name]) => (n === 0 ? [] : `${n} ${name}`)).join(", ");
  const verdictText = list(Object.entries(verdicts).map(([name, n]) => [n, name]));
  const journalText = list([
    [journal.journalAppended, "appended"],
    [journal.journalMerged, "merged"],
    [journal.journalNoRoom, "without room"],
    [journal.journalAhead, "from the future"],
    [journal.journalBad, "bad batches"],
    [journal.journalErrors, "errors"],
    [journal.journalLateSeconds, "s late"],
  ]);
  const parts = [
    `${title} ${count(received, "packet")}${verdictText === "" ? "" : `: ${verdictText}`}`,
    ...(displaced === 0 ? [] : [`${count(displaced, "node")} gave way to new ones`]),
    ...(unsent === 0 ? [] : [`${count(unsent, "reply", "replies")} not sent`]),
    `${count(now.nodes, "node")}, ${residentMB} MB resident`,
    ...(journalText === "" ? [] : [`journal: ${journalText}`]),
  ];
  logger.info(parts.join("; "), { received, ...verdicts, displaced, unsent, nodes: now.nodes, residentMB, ...journal });
}
