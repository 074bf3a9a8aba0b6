/** `whereabouts lookup`: asks servers and the LAN for the addresses of nodes. */

import { Command } from "commander";
import { addDiscovererFlags } from "./discoverer.ts";
import { lookUpNodes } from "./lookup/nodes.ts";
import { flag, isOn, seconds, servers } from "./values.ts";

const TIMEOUT_S = 5;

const HELP = `
A server is HOST, HOST:PORT, 192.0.2.1, 2001:db8::1 or [2001:db8::1]:PORT; the port is 22025 by default.
With "-" or without IDs, NodeIDs are read from standard input, one per line. Results are printed as they arrive.
For IDs that are arguments, two sockets must get the same answer, which protects from forged ones.
On the LAN, nodes of this program answer at once. Others announce themselves every 30 s: --timeout 35 waits for them.
Exit code 0: all were found. 1: some were not found, or an error. 2: wrong use. 3: for some, no server could be reached.

Examples:
  whereabouts lookup NODE-A NODE-B --server discovery.example.org
  whereabouts lookup NODE-A --lan --group my-app
  whereabouts lookup --server 192.0.2.1:22025 --json <ids.txt
    {"nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","found":true,"ip":"192.0.2.7","port":22000,"via":"192.0.2.1:22025","seenAt":1767225600000}
    {"nodeId":"NODE-B","nodeIdHex":"4e4f44452d42","found":false}
    {"nodeId":"NODE-C","nodeIdHex":"4e4f44452d43","found":false,"error":"192.0.2.1: no server listens there"}
"nodeId" is null if the bytes of the NodeID are not printable text; "seenAt" is in milliseconds since 1970.`;

interface Flags {
  readonly server: readonly string[];
  readonly timeout: number;
}

export function lookupCommand(): Command {
  return addDiscovererFlags(new Command("lookup"))
    .description('Look up nodes: prints a line for each, with its address or "not found".')
    .argument("[id...]", 'NodeIDs, or "-" to read them from standard input')
    .addOption(flag("--server <host[:port]>", "server to ask; may be repeated").argParser(servers).default([], "none"))
    .addOption(flag("--lan", "look on the LAN"))
    .addOption(
      flag("--timeout <seconds>", "how long to wait for an answer").argParser(seconds(0.1, 86_400)).default(TIMEOUT_S),
    )
    .addOption(flag("--json", "print a JSON object per line"))
    .addHelpText("after", HELP)
    .action(lookup);
}

async function lookup(ids: readonly string[], flags: Flags, command: Command): Promise<void> {
  const { server: servers, timeout } = flags;
  const [lan, json] = [isOn(command, "lan"), isOn(command, "json")];
  if (servers.length === 0 && !lan) {
    command.error("error: nowhere to look: give --server HOST, or --lan, or both", { exitCode: 2 });
  }
  await lookUpNodes(ids, { servers, lan, json, timeout: 1000 * timeout }, command);
}
