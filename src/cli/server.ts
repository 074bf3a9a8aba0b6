/** `whereabouts server`: runs a discovery server until a signal ends it. */
import { getLogger } from "@logtape/logtape";
import { Command } from "commander";
import { version } from "../../package.json";
import { plain } from "../journal/index.ts";
import {
  DiscoveryServer,
  defaultServerOptions,
  type JournalStats,
  MAX_WORKERS,
  MOST_RECEIVE_BUFFER,
  ServerError,
  type ServerOptions,
  type ServerStats,
  TRANSPORTS,
} from "../server/index.ts";
import { configureLog, LOG_FORMATS, LOG_LEVELS, type LogOptions } from "./terminal/log.ts";
import { flag, networks, networkText, number, only, toggle, whole, wholeOrAuto } from "./values.ts";

const logger = getLogger(["whereabouts", "server"]);
const FIGURES_MS = 60_000;
/** Announcements that wait for the journal for less are no matter. */
const JOURNAL_LATE_S = 2;

interface Flags extends ServerOptions, LogOptions {
  readonly admin: string;
}

export function serverCommand(): Command {
  const d = defaultServerOptions();
  const port = whole(0, 65535);
  return new Command("server")
    .description("Run a discovery server: it stores announcements and answers queries on UDP.")
    .addOption(flag("--host <address>", "address to listen on; :: is all, IPv6 and IPv4").default(d.host))
    .addOption(flag("--port <port>", "UDP port; 0 takes a free one").default(d.port).argParser(port))
    .addOption(
      flag(
        "--workers <n>",
        "threads that handle packets; auto is one less than there are processors, on Linux, and 1 elsewhere",
      )
        .default(d.workers)
        .argParser(wholeOrAuto(1, MAX_WORKERS)),
    )
    .addOption(
      flag("--transport <name>", "how packets come and go: Bun.udpSocket, or recvmmsg and sendmmsg of Linux")
        .default(d.transport)
        .choices(TRANSPORTS),
    )
    .addOption(
      flag("--receive-buffer <bytes>", "room for packets that wait, for each worker")
        .default(d.receiveBuffer)
        .argParser(whole(1, MOST_RECEIVE_BUFFER)),
    )
    .addOption(flag("--engine <name>", "packet engine").default(d.engine).choices(["wasm", "ts"]))
    .addOption(
      flag("--capacity <nodes>", "nodes held at most")
        .default(d.capacity)
        .argParser(whole(1, 2 ** 32)),
    )
    .addOption(flag("--max-id-length <bytes>", "longest NodeID").default(d.maxIdLength).argParser(whole(1, 1008)))
    .addOption(
      flag("--retention <seconds>", "how long an announcement holds").default(d.retention).argParser(whole(1, 1e9)),
    )
    .addOption(
      flag("--source-rate <n>", "packets a second per source; 0: no limit").default(d.sourceRate).argParser(number(0)),
    )
    .addOption(flag("--source-burst <n>", "packets at once per source").default(d.sourceBurst).argParser(number(1)))
    .addOption(
      flag("--node-rate <n>", "queries a second per NodeID; 0: no limit").default(d.nodeRate).argParser(number(0)),
    )
    .addOption(flag("--node-burst <n>", "queries at once per NodeID").default(d.nodeBurst).argParser(number(1)))
    .addOption(
      flag("--new-rate <n>", "new NodeIDs a second per source; 0: no limit").default(d.newRate).argParser(number(0)),
    )
    .addOption(flag("--new-burst <n>", "new NodeIDs at once per source").default(d.newBurst).argParser(number(1)))
    .addOption(
      flag("--allow <cidr>", "network without limits; may be given again").argParser(networks).default([], "none"),
    )
    .addOption(toggle("--limit-dry-run", "count what the limits would stop, and let it pass"))
    .addOption(
      flag("--journal <where>", "what outlives the process: sqlite[:PATH], redis://…, valkey://… or memory").default(
        "sqlite",
      ),
    )
    .addOption(flag("--journal-prefix <text>", "what the keys in Redis begin with").default(d.journalPrefix))
    .addOption(flag("--admin <address>", "page and metrics over HTTP").default("off").argParser(only("off")))
    .addOption(flag("--log-level <level>", "least level that is logged").default("info").choices(LOG_LEVELS))
    .addOption(flag("--log-format <format>", "form of the log").default("pretty").choices(LOG_FORMATS))
    .allowExcessArguments(false)
    .action(run);
}

async function run({ admin, logLevel, logFormat, ...flags }: Flags, command: Command): Promise<void> {
  await configureLog({ logLevel, logFormat });
  const stop = Promise.withResolvers<string>();
  // A signal may come twice: a terminal sends it to the whole group, and `bun run` passes it on.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.resolve(signal));
  // It may take its time to restore what the journal has, and a signal is not to wait for that.
  const started = start(flags, command);
  const server = await Promise.race([started, stop.promise]);
  if (typeof server === "string") {
    logger.info(`stopped by ${server} before it listened`);
    process.exit(0);
  }
  const { host, transport, engine, capacity, maxIdLength, retention } = server.options;
  const { where: journal, restored, restoreSeconds } = server.stats().journal;
  const { port, receiveBuffer } = server;
  const { workers } = server.stats();
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  logger.info(
    `whereabouts ${version} listens on udp ${where}: ${engine} engine, ${workers} worker${workers === 1 ? "" : "s"}, transport ${transport}, journal ${plain(journal)}, admin ${admin}`,
    { version, host, port, engine, workers, transport, receiveBuffer, journal, admin },
  );
  logger.info(
    `room for ${capacity} nodes with NodeIDs of up to ${maxIdLength} bytes, each kept ${retention} s; ${limits(server.options)}`,
    { capacity, maxIdLength, retention },
  );
  if (journal !== "memory") {
    logger.info(`${restored} nodes restored from the journal in ${restoreSeconds.toFixed(2)} s`, {
      restored,
      restoreSeconds,
    });
  }

  const asked = server.options.receiveBuffer;
  if (receiveBuffer !== undefined && receiveBuffer < asked) {
    logger.warning(
      `the system grants a receive buffer of ${receiveBuffer} bytes, not of ${asked}, and bursts may be lost: sysctl -w net.core.rmem_max=${asked}`,
      { receiveBuffer, asked },
    );
  }

  let before = server.stats();
  const timer = setInterval(() => {
    const now = server.stats();
    logFigures("figures of the last minute", before, now);
    before = now;
  }, FIGURES_MS);
  let error: Error | undefined;
  const signal = await Promise.race([
    stop.promise,
    server.closed.catch((cause: Error) => {
      error = cause;
    }),
  ]);
  clearInterval(timer);
  await server.stop();
  logFigures(`${error ? "ended" : `stopped by ${signal}`}; figures in all`, undefined, server.stats());
  if (error) console.error(`whereabouts: error: ${error.message}`);
  process.exit(error ? 1 : 0);
}

async function start(options: Partial<ServerOptions>, command: Command): Promise<DiscoveryServer> {
  try {
    return await DiscoveryServer.start(options);
  } catch (error) {
    // What the flags ask for together may be too much, though each is in its range.
    return command.error(`error: ${(error as Error).message}`, { exitCode: error instanceof ServerError ? 1 : 2 });
  }
}

function limits(o: ServerOptions): string {
  const text = (name: string, rate: number, burst: number) =>
    rate === 0 ? `${name} none` : `${name} ${rate}/s, ${burst} at once`;
  return [
    text("limits per source", o.sourceRate, o.sourceBurst),
    text("per NodeID", o.nodeRate, o.nodeBurst),
    text("new per source", o.newRate, o.newBurst),
    ...(o.allow.length > 0 ? [`none for ${o.allow.map(networkText).join(", ")}`] : []),
    ...(o.limitDryRun ? ["dry run: nothing is stopped"] : []),
  ].join("; ");
}

/** What the journal did, and that it is late when it is. */
function journalFigures(before: JournalStats | undefined, now: JournalStats): Record<string, number> {
  const names = ["appended", "merged", "noRoom", "ahead", "bad", "errors"] as const;
  const figures = names.map((name) => [`journal ${name}`, now[name] - (before?.[name] ?? 0)]);
  return { ...Object.fromEntries(figures), "journal late s": now.lag < JOURNAL_LATE_S ? 0 : Math.round(now.lag) };
}

/** A line of figures: received, each verdict that was given, and what else there is to know. */
function logFigures(title: string, before: ServerStats | undefined, now: ServerStats): void {
  const since = (name: keyof ServerStats["verdicts"]) => now.verdicts[name] - (before?.verdicts[name] ?? 0);
  const verdicts = Object.fromEntries(
    (Object.keys(now.verdicts) as (keyof ServerStats["verdicts"])[]).map((name) => [name, since(name)]),
  );
  const figures = {
    received: now.received - (before?.received ?? 0),
    ...verdicts,
    unsent: now.unsent - (before?.unsent ?? 0),
    nodes: now.nodes,
    "resident MB": Math.round(process.memoryUsage.rss() / 1e6),
    ...journalFigures(before?.journal, now.journal),
  };
  const always = ["received", "answered", "nodes", "resident MB"];
  const said = Object.entries(figures).filter(([name, figure]) => figure !== 0 || always.includes(name));
  logger.info(`${title}: ${said.map(([name, figure]) => `${name} ${figure}`).join(", ")}`, figures);
}
