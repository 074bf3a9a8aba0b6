/** `whereabouts announce`: announces a node until a signal stops it. */
import { Command } from "commander";
import type { DiscoveryError } from "../client/index.ts";
import { errorText } from "./errors.ts";
import { print, printError, startDiscoverer, untilSignal } from "./terminal/output.ts";
import { nodeIdJson, pad, showNodeId, styleFor, timeStamp } from "./terminal/style.ts";
import { flag, isOn, nodeId, servers, whole } from "./values.ts";

const HELP = `
Announces the node at once and then again and again: every 30 s on the LAN, every 30 min to servers, sooner after an error.
Prints a line for each announcement that was sent. Errors go to standard error; they do not end the command.
SIGINT (Ctrl-C) and SIGTERM stop it: exit code 0. Exit code 1: it cannot listen on the LAN. Exit code 2: wrong use.

Examples:
  whereabouts announce --id NODE-A --port 22000 --server discovery.example.org
  whereabouts announce --id NODE-A --port 22000 --lan
  whereabouts announce --id NODE-A --port 22000 --server 192.0.2.1 --lan --json
    {"type":"started","nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","port":22000,"servers":["192.0.2.1"],"lan":true,"at":1767225600000}
    {"type":"sent","where":"192.0.2.1","address":"192.0.2.1:22025","bytes":24,"at":1767225600012}
    {"type":"error","where":"192.0.2.1","code":"ECONNREFUSED","message":"nothing listens on that port","at":1767225600013}
    {"type":"stopped","signal":"SIGINT","at":1767225660000}
With --json errors go to standard output as well. "nodeId" is null if the bytes of the NodeID are not printable text.
"where" is "lan", a network interface or a server as given; "address" is where the packet went; "code" is the system's
error code or null; "at" is in milliseconds since 1970.`;

interface Flags {
  readonly id: Uint8Array;
  readonly port: number;
  readonly server: readonly string[];
}

interface Started extends Flags {
  readonly lan: boolean;
}

interface Sent {
  readonly where: string;
  readonly address: string;
  readonly bytes: number;
}

/** Prints what happens, as text or as JSON. */
interface Report {
  started(options: Started): void;
  sent(announcement: Sent): void;
  error(error: DiscoveryError): void;
  stopped(signal: string): Promise<unknown>;
}

export function announceCommand(): Command {
  return new Command("announce")
    .description("Announce a node to servers and on the LAN, until it is stopped.")
    .addOption(flag("--id <id>", "NodeID").argParser(nodeId).makeOptionMandatory())
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

async function announce({ id, port, server }: Flags, command: Command): Promise<void> {
  const lan = isOn(command, "lan");
  const json = isOn(command, "json");
  if (server.length === 0 && !lan) {
    command.error("error: nowhere to announce: give --server HOST, or --lan, or both", { exitCode: 2 });
  }
  const stop = untilSignal();
  const report = json ? jsonReport() : textReport(server);
  const discoverer = await startDiscoverer({ nodeId: id, port, servers: server, lan }, command);
  report.started({ id, port, server, lan });
  discoverer.on("announced", (announcement) => report.sent(announcement));
  discoverer.on("error", (error) => report.error(error));

  const signal = await stop;
  await discoverer.close();
  await report.stopped(signal);
  process.exit(0);
}

// The output may be closed or the disk full. The node must be announced all the same.
const printLine = (line: string) => print(`${line}\n`).catch(() => false);

function textReport(servers: readonly string[]): Report {
  const { bold, dim, green } = styleFor(process.stdout);
  const { red } = styleFor(process.stderr);
  const time = () => timeStamp(Date.now());
  const printTimed = (text: string) => printLine(`${dim(time())}  ${text}`);
  const whereWidth = Math.max(...["lan", ...servers].map((where) => where.length));
  let addressWidth = "255.255.255.255:65535".length;
  return {
    started({ id, port, server, lan }) {
      const targets = [...(lan ? ["the LAN"] : []), ...server];
      void printTimed(`${bold(showNodeId(id))}, port ${port}, is announced to ${targets.join(", ")} until Ctrl-C`);
    },
    sent({ where, address, bytes }) {
      addressWidth = Math.max(addressWidth, address.length);
      const columns = `${pad(where, whereWidth)}  ${pad(address, addressWidth)}`;
      void printTimed(`${green("sent")}   ${columns}  ${dim(`${bytes} bytes`)}`);
    },
    error: (error) => printError(`${time()}  ${red("error")}  ${errorText(error)}`),
    stopped: (signal) => printTimed(`stopped by ${signal}`),
  };
}

function jsonReport(): Report {
  const printObject = (type: string, values: object) => printLine(JSON.stringify({ type, ...values, at: Date.now() }));
  return {
    started({ id, port, server, lan }) {
      void printObject("started", { ...nodeIdJson(id), port, servers: server, lan });
    },
    sent({ where, address, bytes }) {
      void printObject("sent", { where, address, bytes });
    },
    error(error) {
      // "where" has a key of its own.
      const message = errorText(error).replace(`${error.where}: `, "");
      void printObject("error", { where: error.where, code: error.code ?? null, message });
    },
    stopped: (signal) => printObject("stopped", { signal }),
  };
}
