/** `whereabouts watch`: the nodes of the LAN, or its devices of Syncthing, as a live table on a terminal, elsewhere one line per change. */
import { Command } from "commander";
import { addDiscovererFlags, startDeviceDiscoverer, startDiscoverer } from "./discoverer.ts";
import { failOnStreamError } from "./errors.ts";
import { untilSignal } from "./terminal/output.ts";
import { flag, isOn } from "./values.ts";
import type { Watched } from "./watch/watched.ts";

const HELP = `
On a terminal it shows a live table. Otherwise, or with --json, it prints a line for each change: + is a new node, ~ a node
whose address changed, - a node that was silent for 90 s. Nodes of this program are found at once; others announce
themselves every 30 s.
SIGINT (Ctrl-C) and SIGTERM stop it: exit code 0. Exit code 1: it cannot listen on the LAN. Exit code 2: wrong use.

Examples:
  whereabouts watch
  whereabouts watch | tee lan.log
    2026-01-31T12:00:00+01:00  +  NODE-A  192.168.0.34:22000
    2026-01-31T12:04:30+01:00  ~  NODE-A  192.168.0.34:22000 -> 192.168.0.35:22000
  whereabouts watch --group my-app --interface eth0,wlan0
  whereabouts watch --json
    {"type":"node","nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","ip":"192.168.0.34","port":22000,"seenAt":1769857200000}
"type" is node, moved or gone; "nodeId" is null if the bytes of the NodeID are not printable text; "seenAt", the time of
the last announcement, is in milliseconds since 1970.

Devices of Syncthing announce themselves every 30 s, on UDP port 21027. A Syncthing on this host keeps that port for IPv4 to
itself, which is reported as an error: all devices are then heard by IPv6 only.
  whereabouts watch --syncthing
  whereabouts watch --syncthing --json
    {"type":"device","deviceId":"DEVICE-ID","addresses":["tcp://192.168.0.34:22000"],"seenAt":1769857200000}`;

export function watchCommand(): Command {
  return addDiscovererFlags(new Command("watch"))
    .description("Watch the LAN: shows a live table of its nodes, or prints a line for each change.")
    .addOption(flag("--syncthing", "watch devices of Syncthing instead of nodes"))
    .addOption(flag("--json", "print a JSON object for each change"))
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .action(watch);
}

async function watch(_flags: unknown, command: Command): Promise<void> {
  const stop = untilSignal();
  // Loaded before the discoverer starts: it reports its first errors soon after, and they would have no listener yet.
  const show = await loadView(isOn(command, "json"));
  try {
    if (isOn(command, "syncthing")) {
      const { watchedDevices } = await import("./watch/devices.ts");
      await using discoverer = await startDeviceDiscoverer({ lan: true }, command);
      await show(watchedDevices(discoverer), stop);
    } else {
      const { watchedNodes } = await import("./watch/nodes.ts");
      await using discoverer = await startDiscoverer({ lan: true }, command);
      await show(watchedNodes(discoverer), stop);
    }
  } catch (error) {
    failOnStreamError(error, command);
  }
}

async function loadView(json: boolean): Promise<(watched: Watched, stop: Promise<unknown>) => Promise<void>> {
  if (process.stdout.isTTY && process.env.TERM !== "dumb" && !json) return (await import("./watch/live.ts")).showTable;
  const { printChanges } = await import("./watch/lines.ts");
  return (watched, stop) => printChanges(watched, json, stop);
}
