/** The flags of `whereabouts server`. */
import { type Command, Option } from "commander";
import { MAX_ID_LENGTH } from "../../../assembly/layout.ts";
import {
  defaultServerOptions,
  MAX_COALESCE,
  MAX_HTTPS_CAPACITY,
  MAX_RECEIVE_BUFFER,
  MAX_WORKERS,
  type ServerOptions,
  TRANSPORTS,
} from "../../server/index.ts";
import { networks } from "../networks.ts";
import { LOG_FORMATS, LOG_LEVELS, type LogOptions } from "../terminal/log.ts";
import { flag, listenAddress, names, number, oneOf, toggle, whole, wholeOrAuto } from "../values.ts";

export interface Flags extends ServerOptions, LogOptions {
  /** Empty if none is given. */
  readonly host: readonly string[];
  /** `HOST:PORT` or `off`. */
  readonly admin: string;
  readonly adminToken?: string;
  readonly config?: string;
  readonly printConfig?: boolean;
}

/** Adds the flags to the command. */
export function addServerFlags(command: Command): Command {
  const d = defaultServerOptions();
  const rate = number(0);
  const burst = number(1);
  return command
    .optionsGroup("Network:")
    .addOption(
      flag("--host <address>", "address to listen on; may be repeated; :: is every interface, IPv6 and IPv4")
        .argParser(names)
        .default([], "::"),
    )
    .addOption(flag("--port <port>", "UDP port; 0 takes a free one").default(d.port).argParser(whole(0, 65535)))
    .addOption(
      toggle("--share-port", "also start if another server of the same user has the port, to take over from it"),
    )
    .addOption(
      flag(
        "--workers <n>",
        "threads that handle packets; auto: the queues of --interface, or the number of processors minus 1 on Linux, else 1",
      )
        .default(d.workers)
        .argParser(wholeOrAuto(1, MAX_WORKERS)),
    )
    .addOption(
      flag(
        "--transport <name>",
        "how packets are received and sent: udp works everywhere; mmsg and xdp take less processor time, and need Linux",
      )
        .default(d.transport)
        .choices(TRANSPORTS),
    )
    .addOption(
      // The commands of the client have a flag of that name, for the interfaces of the LAN.
      flag("--interface <name>", "network interface that the transport xdp serves, such as eth0", "server"),
    )
    .addOption(
      toggle(
        "--fallback",
        "start without the transport xdp if it cannot be used; no: end with an error instead",
        d.fallback,
      ),
    )
    .addOption(
      flag(
        "--coalesce <microseconds>",
        "how long to sleep after a batch that is not full, so that the next one is larger: replies cost less, and come later; auto: 200 with xdp, 0 with mmsg; udp never sleeps",
      )
        .default(d.coalesce)
        .argParser(wholeOrAuto(0, MAX_COALESCE)),
    )
    .addOption(
      flag("--receive-buffer <bytes>", "buffer for packets that wait, per worker")
        .default(d.receiveBuffer)
        .argParser(whole(1, MAX_RECEIVE_BUFFER)),
    )
    .addOption(flag("--engine <name>", "packet engine").default(d.engine).choices(["wasm", "ts"]))
    .optionsGroup("Registry:")
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
      flag("--retention <seconds>", "how long an announcement is valid").default(d.retention).argParser(whole(1, 1e9)),
    )
    .optionsGroup("Limits:")
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
    .optionsGroup("Journal:")
    .addOption(
      flag(
        "--journal <where>",
        "where announcements are kept across restarts: sqlite, sqlite:PATH, redis://…, rediss://…, valkey://… or memory (not kept)",
      ).default("sqlite"),
    )
    .addOption(flag("--journal-prefix <text>", "prefix of the keys in Redis").default(d.journalPrefix))
    .optionsGroup("Syncthing's global discovery:")
    .addOption(
      flag("--https <address>", "where to serve it over HTTPS, such as 0.0.0.0:8443 or [::]:8443, or off")
        .default(d.https)
        .argParser(listenAddress("0.0.0.0:8443 or [::]:8443")),
    )
    .addOption(
      flag("--https-cert <file>", "certificate in PEM; made with its key if both files are missing").default(
        d.httpsCert,
        "https-cert.pem beside the default journal",
      ),
    )
    .addOption(flag("--https-key <file>", "key in PEM").default(d.httpsKey, "https-key.pem beside the default journal"))
    .addOption(
      flag("--http <address>", "where to serve it over HTTP, behind a proxy that speaks TLS, or off")
        .default(d.http)
        .argParser(listenAddress("127.0.0.1:8080 or [::1]:8080")),
    )
    .addOption(
      flag(
        "--trust-proxy <cidr>",
        "network of proxies whose headers tell a client's certificate and address; may be repeated",
      )
        .argParser(networks)
        .default([], "none"),
    )
    .addOption(
      flag(
        "--proxy-header <name>",
        "header in which those proxies pass a client's certificate on; auto: that of nginx, Caddy or Traefik",
      ).default(d.proxyHeader),
    )
    .addOption(toggle("--https-unverified", "also tell addresses that were announced over UDP, without a proof"))
    .addOption(
      flag(
        "--https-capacity <devices>",
        "the most devices that are stored; beyond that, new ones replace those announced only once",
      )
        .default(d.httpsCapacity)
        .argParser(whole(1, MAX_HTTPS_CAPACITY)),
    )
    .optionsGroup("Admin and log:")
    .addOption(
      flag("--admin <address>", "HTTP address of the live page, metrics and API, or off")
        .default("127.0.0.1:22080")
        .argParser(listenAddress("127.0.0.1:22080 or [::1]:22080")),
    )
    .addOption(
      flag(
        "--admin-token <secret>",
        "secret that HTTP requests must send; better set by its variable or the file: ps shows flags",
      ),
    )
    .addOption(
      flag("--log-level <level>", "the least severe level that is logged; warn is warning")
        .default("info")
        .choices(LOG_LEVELS)
        .argParser(oneOf(LOG_LEVELS, { warn: "warning" })),
    )
    .addOption(
      flag("--log-format <format>", "format of the log; auto is pretty on a terminal and under systemd, else json")
        .default("auto")
        .choices(LOG_FORMATS),
    )
    .optionsGroup("Configuration:")
    .addOption(flag("--config <file>", "TOML file with these flags: their names without dashes are its keys"))
    .addOption(
      new Option("--print-config", "print the values in force as such a file, and where each comes from; then exit"),
    )
    .helpOption("-h, --help", "show this help");
}
