/** `whereabouts lookup`: asks servers and the LAN for the addresses of nodes, or of Syncthing's devices. */
import { Command } from "commander";
import { parseGlobalUrl } from "../syncthing/global/url.ts";
import { addDiscovererFlags } from "./discoverer.ts";
import { anyServers, flag, isOn, isUrl, seconds } from "./values.ts";

const TIMEOUT_S = 5;

const HELP = `
A server of nodes is HOST, HOST:PORT, 192.0.2.1, 2001:db8::1 or [2001:db8::1]:PORT; the port is 22025 by default.
With "-" or without IDs, IDs are read from standard input, one per line. Results are printed as they arrive.
For NodeIDs that are arguments, two sockets must get the same answer, which protects from forged ones.
On the LAN, nodes of this program answer at once. Others announce themselves every 30 s: --timeout 35 waits for them.
Exit code 0: all were found. 1: some were not found, or an error. 2: wrong use. 3: for some, no server could be reached.

Examples:
  whereabouts lookup NODE-A NODE-B --server discovery.example.org
  whereabouts lookup NODE-A --lan --group my-app
  whereabouts lookup --server 192.0.2.1:22025 --json <ids.txt
    {"nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","found":true,"ip":"192.0.2.7","port":22000,"via":"192.0.2.1:22025","seenAt":1767225600000}
    {"nodeId":"NODE-B","nodeIdHex":"4e4f44452d42","found":false}
    {"nodeId":"NODE-C","nodeIdHex":"4e4f44452d43","found":false,"error":"192.0.2.1: no server listens there"}
"nodeId" is null if the bytes of the NodeID are not printable text; "seenAt" is in milliseconds since 1970.

Devices of Syncthing:
A server whose URL begins with https:// knows devices, not nodes: then all IDs are device IDs. --lan alone needs --syncthing.
Options in the URL: id=DEVICE-ID trusts the server with that device ID only, insecure trusts any. Without them, its
certificate must be by a known authority. Quote the URL, because ? and & have a meaning for shells.
Servers limit lookups, those of whereabouts to 250 a second by default: more get the error "status 429", and no second try.
  whereabouts lookup DEVICE-ID --server 'https://192.0.2.1:8443/?id=DEVICE-ID-OF-THE-SERVER'
  whereabouts lookup DEVICE-ID --lan --syncthing --timeout 35 --json
    {"deviceId":"DEVICE-ID","found":true,"addresses":["tcp://192.168.0.34:22000"],"via":"lan","seenAt":1767225600000}`;

interface Flags {
  readonly server: readonly string[];
  readonly timeout: number;
}

export function lookupCommand(): Command {
  return addDiscovererFlags(new Command("lookup"))
    .description('Look up nodes, or devices of Syncthing: prints the address of each, or "not found".')
    .argument("[id...]", 'NodeIDs or device IDs, or "-" to read them from standard input')
    .addOption(
      flag(
        "--server <server>",
        "server to ask: HOST[:PORT], or an https:// URL for devices of Syncthing; may be repeated",
      )
        .argParser(anyServers)
        .default([], "none"),
    )
    .addOption(flag("--lan", "look on the LAN"))
    .addOption(
      flag("--timeout <seconds>", "how long to wait for an answer").argParser(seconds(0.1, 86_400)).default(TIMEOUT_S),
    )
    .addOption(flag("--syncthing", "look up devices of Syncthing, also without an https:// server"))
    .addOption(flag("--json", "print a JSON object per line"))
    .addHelpText("after", HELP)
    .action(lookup);
}

async function lookup(ids: readonly string[], { server: servers, timeout }: Flags, command: Command): Promise<void> {
  const [lan, json] = [isOn(command, "lan"), isOn(command, "json")];
  if (servers.length === 0 && !lan) {
    command.error("error: nowhere to look: give --server HOST, or --lan, or both", { exitCode: 2 });
  }
  const flags = { servers, lan, json, timeout: 1000 * timeout };
  // Each is loaded only if it is used.
  if (isAboutDevices(servers, isOn(command, "syncthing"), command)) {
    const { lookUpDevices } = await import("./lookup/devices.ts");
    await lookUpDevices(ids, flags, command);
  } else {
    const { lookUpNodes } = await import("./lookup/nodes.ts");
    await lookUpNodes(ids, flags, command);
  }
}

/**
 * Whether a lookup is about devices of Syncthing. Ends the command if its servers are of both kinds.
 *
 * @param syncthing - the flag
 */
function isAboutDevices(servers: readonly string[], syncthing: boolean, command: Command): boolean {
  const url = servers.find(isUrl);
  const other = servers.find((server) => !isUrl(server));
  if (url === undefined && !syncthing) return false;
  if (other !== undefined) {
    const cause = url === undefined ? "with --syncthing" : `beside ${parseGlobalUrl(url).name}`;
    const why = `${other} knows nodes, not devices of Syncthing: it cannot be asked ${cause}`;
    command.error(`error: ${why}; use one command for nodes and one for devices`, { exitCode: 2 });
  }
  return true;
}
