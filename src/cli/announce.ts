/** `whereabouts announce`: announces a node until a signal stops it. */
import { Command } from "commander";
import type { Announced, Confirmed, DiscoveryError } from "../client/index.ts";
import { addDiscovererFlags, startDiscoverer } from "./discoverer.ts";
import { errorText } from "./errors.ts";
import { pad } from "./terminal/columns.ts";
import { print, printError, untilSignal } from "./terminal/output.ts";
import { nodeIdJson, showAddress, showNodeId, styleFor, visible } from "./terminal/style.ts";
import { timeStamp } from "./terminal/time.ts";
import { flag, isOn, nodeId, servers, whole } from "./values.ts";

const HELP = `
Announces the node at once and then again and again: every 30 s on the LAN and whenever another node starts or looks there, every
30 min to servers, sooner after an error.
Prints a line for each announcement that was sent, and one when a server has confirmed that it knows the node. Errors go to
standard error, also that a server does not confirm; they do not end the command.
SIGINT (Ctrl-C) and SIGTERM stop it: exit code 0. Under Node, SIGHUP ends it also if nohup started it: use setsid or a
service manager. npx passes no SIGTERM on: run node_modules/.bin/whereabouts then.
Exit code 1: it cannot listen on the LAN. Exit code 2: wrong use.

Examples:
  whereabouts announce --id NODE-A --port 22000 --server discovery.example.org
  whereabouts announce --port 22000 --lan --group my-app
  whereabouts announce --id NODE-A --port 22000 --server 192.0.2.1 --lan --json
    {"type":"started","nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","group":null,"port":22000,"servers":["192.0.2.1"],"lan":true,"at":1767225600000}
    {"type":"sent","where":"192.0.2.1","address":"192.0.2.1:22025","bytes":24,"at":1767225600012}
    {"type":"confirmed","where":"192.0.2.1","address":"192.0.2.1:22025","ip":"198.51.100.7","port":22000,"at":1767225600310}
    {"type":"error","where":"192.0.2.1","code":"ECONNREFUSED","message":"no server listens there","at":1767225600013}
    {"type":"stopped","signal":"SIGINT","at":1767225660000}
With --json errors go to standard output as well. "nodeId" is null if the bytes of the NodeID are not printable text.
"where" is "lan", a network interface or a server as given; "address" is where the packet went, or what confirmed it;
"ip" and "port" are the node's own address as the server sees it; "code" is the system's error code or null; "at" is in
milliseconds since 1970.`;

interface Flags {
  readonly group?: string;
  readonly id?: Uint8Array;
  readonly port: number;
  readonly server: readonly string[];
}

interface Started {
  readonly id: Uint8Array;
  readonly group: string | undefined;
  readonly port: number;
  readonly server: readonly string[];
  readonly lan: boolean;
}

/** The lines that are printed, as text or as JSON. */
interface Format {
  started(options: Started): string;
  sent(announcement: Announced): string;
  confirmed(confirmation: Confirmed): string;
  error(error: DiscoveryError): string;
  stopped(signal: string): string;
}

export function announceCommand(): Command {
  return addDiscovererFlags(new Command("announce"))
    .description("Announce a node to servers and on the LAN, until it is stopped.")
    .addOption(flag("--id <id>", "NodeID (default: a random one)").argParser(nodeId))
    .addOption(
      // The server's --port is the port that it listens on: a variable of its own.
      flag("--port <port>", "port on which the node can be reached", "announce")
        .argParser(whole(1, 65535))
        .makeOptionMandatory(),
    )
    .addOption(
      flag("--server <host[:port]>", "server to announce to, on port 22025 by default; may be repeated")
        .argParser(servers)
        .default([], "none"),
    )
    .addOption(flag("--lan", "announce on the LAN"))
    .addOption(flag("--json", "print a JSON object per line"))
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .action(announce);
}

async function announce({ group, id, port, server }: Flags, command: Command): Promise<void> {
  const lan = isOn(command, "lan");
  const json = isOn(command, "json");
  if (server.length === 0 && !lan) {
    command.error("error: nowhere to announce: give --server HOST, or --lan, or both", { exitCode: 2 });
  }
  const stop = untilSignal();
  const format = json ? jsonFormat() : textFormat(server);
  const discoverer = await startDiscoverer({ ...(id && { nodeId: id }), port, servers: server, lan }, command);
  void printLine(format.started({ id: discoverer.nodeId, group, port, server, lan }));
  discoverer.on("announced", (announcement) => void printLine(format.sent(announcement)));
  discoverer.on("confirmed", (confirmation) => void printLine(format.confirmed(confirmation)));
  discoverer.on("error", (error) => void (json ? printLine : printError)(format.error(error)));

  const signal = await stop;
  await discoverer.close();
  await printLine(format.stopped(signal));
  process.exit(0);
}

// The output may be closed or the disk full. The node must be announced all the same.
const printLine = (line: string) => print(`${line}\n`).catch(() => false);

/** The longest kind of a line: confirmed. */
const KIND_WIDTH = 9;

export function textFormat(servers: readonly string[]): Format {
  const { bold, dim, green } = styleFor(process.stdout);
  const { red } = styleFor(process.stderr);
  const time = () => timeStamp(Date.now());
  const timed = (text: string) => `${dim(time())}  ${text}`;
  const whereWidth = Math.max(...["lan", ...servers].map((where) => where.length));
  let addressWidth = "255.255.255.255:65535".length;
  const columns = (kind: string, { where, address }: Announced | Confirmed) => {
    addressWidth = Math.max(addressWidth, address.length);
    return timed(`${green(pad(kind, KIND_WIDTH))}  ${pad(where, whereWidth)}  ${pad(address, addressWidth)}`);
  };
  return {
    started({ id, group, port, server, lan }) {
      const member = group === undefined ? "" : ` of the group ${visible(group)}`;
      const targets = [...(lan ? ["the LAN"] : []), ...server];
      return timed(`announcing ${bold(showNodeId(id))}${member}, port ${port}, to ${targets.join(", ")} until Ctrl-C`);
    },
    sent: (announcement) => `${columns("sent", announcement)}  ${dim(`${announcement.bytes} bytes`)}`,
    confirmed: (confirmation) =>
      `${columns("confirmed", confirmation)}  the server sees it as ${showAddress(confirmation)}`,
    error: (error) => `${time()}  ${red(pad("error", KIND_WIDTH))}  ${errorText(error)}`,
    stopped: (signal) => timed(`stopped by ${signal}`),
  };
}

export function jsonFormat(): Format {
  const object = (type: string, values: object) => JSON.stringify({ type, ...values, at: Date.now() });
  return {
    started: ({ id, group = null, port, server, lan }) =>
      object("started", { ...nodeIdJson(id), group, port, servers: server, lan }),
    sent: ({ where, address, bytes }) => object("sent", { where, address, bytes }),
    confirmed: ({ where, address, ip, port }) => object("confirmed", { where, address, ip, port }),
    error(error) {
      // "where" has a key of its own.
      const message = errorText(error).replace(`${error.where}: `, "");
      return object("error", { where: error.where, code: error.code ?? null, message });
    },
    stopped: (signal) => object("stopped", { signal }),
  };
}
