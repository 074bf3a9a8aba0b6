/** `whereabouts announce`: lets a node be found, until a signal ends it. */
import { Command } from "commander";
import { complain, print, startDiscoverer, untilSignal } from "./terminal/output.ts";
import { pad, showNodeId, styleFor, timeStamp, visible } from "./terminal/style.ts";
import { flag, isOn, nodeId, servers, whole } from "./values.ts";

const HELP = `
Announces at once and then by itself: every 30 s on the LAN, every 30 min to servers, again and again where that fails.
Says in a line each what it sent where; what went wrong goes to standard error. SIGINT and SIGTERM end it, with 0.

Examples:
  whereabouts announce --id NODE-A --port 22000 --server discovery.example.org
  whereabouts announce --id NODE-A --port 22000 --lan`;

interface Flags {
  readonly id: Uint8Array;
  readonly port: number;
  readonly server: readonly string[];
}

export function announceCommand(): Command {
  return new Command("announce")
    .description("Announce a node, to servers and on the LAN, until it is stopped.")
    .addOption(flag("--id <id>", "NodeID").argParser(nodeId).makeOptionMandatory())
    .addOption(flag("--port <port>", "port that the node listens on").argParser(whole(1, 65535)).makeOptionMandatory())
    .addOption(
      flag("--server <host[:port]>", "server to announce to, on port 22025 by default; may be given again")
        .argParser(servers)
        .default([], "none"),
    )
    .addOption(flag("--lan", "announce on the LAN as well"))
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .action(announce);
}

async function announce({ id, port, server }: Flags, command: Command): Promise<void> {
  const lan = isOn(command, "lan");
  if (server.length === 0 && !lan) {
    command.error("error: nowhere to announce: give --server HOST, or --lan, or both", { exitCode: 2 });
  }
  const stop = untilSignal();
  const { bold, dim, green } = styleFor(process.stdout);
  const time = () => dim(timeStamp(Date.now()));
  // Who reads this may leave, and a disk may be full: the node is to be found all the same.
  const say = (text: string) => print(`${time()}  ${text}\n`).catch(() => false);
  const whereWidth = Math.max(...["lan", ...server].map((where) => where.length));
  let addressWidth = "255.255.255.255:65535".length;

  const discoverer = await startDiscoverer({ nodeId: id, port, servers: server, lan }, command);
  const places = [...(lan ? ["the LAN"] : []), ...server];
  void say(`${bold(showNodeId(id))}, port ${port}, is announced to ${places.join(", ")} until Ctrl-C`);
  discoverer.on("announced", ({ where, address, bytes }) => {
    addressWidth = Math.max(addressWidth, address.length);
    void say(`${green("sent")}   ${pad(where, whereWidth)}  ${pad(address, addressWidth)}  ${dim(`${bytes} bytes`)}`);
  });
  const { red } = styleFor(process.stderr);
  discoverer.on("error", ({ message }) => complain(`${timeStamp(Date.now())}  ${red("error")}  ${visible(message)}`));

  const signal = await stop;
  await discoverer.close();
  await say(`stopped by ${signal}`);
  process.exit(0);
}
