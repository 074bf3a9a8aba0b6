/** `whereabouts journal`: exports, imports and measures journals. */
import { Command } from "commander";
import { defaultEngineOptions } from "../engine/index.ts";
import { DEVICE_RETENTION_MS } from "../journal/device.ts";
import {
  BatchWriter,
  createJournal,
  DEFAULT_PREFIX,
  type Journal,
  JournalError,
  type StorageInfo,
} from "../journal/index.ts";
import { count } from "../log/count.ts";
import { Clock } from "../server/clock.ts";
import { DESCRIPTIONS } from "./bun-commands.ts";
import { optionErrorText } from "./errors.ts";
import { readContents } from "./journal/contents.ts";
import { Input, JournalInputError } from "./journal/input.ts";
import { deviceLine, entryLine, LineError, linesOf, parseLine } from "./journal/lines.ts";
import { Lines, print, printError } from "./terminal/output.ts";
import type { StatusLine } from "./terminal/status.ts";
import { showAge, visible } from "./terminal/style.ts";
import { timeStamp } from "./terminal/time.ts";
import { flag, isOn, whole } from "./values.ts";

const JOURNALS = `
--journal is one of:
  sqlite       (default) the file registry.db in $STATE_DIRECTORY, else in $XDG_STATE_HOME/whereabouts, else in
               ~/.local/state/whereabouts
  sqlite:PATH  another SQLite file
  redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]
               Redis; rediss:// is Redis with TLS, valkey:// is Valkey
Set WHEREABOUTS_JOURNAL instead of the flag if the URL has a password: other users can read command lines.

Exit code 0: done. 1: the journal or a file cannot be used, or lines to import were invalid. 2: wrong use.`;

const EXPORT_HELP = `
Prints one line of JSON per node that has not expired, in order of announcement. A server may use the journal meanwhile.
  {"nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","ip":"192.0.2.7","port":22000,"announcedAt":1767225600000}
"nodeId" is null if the bytes of the NodeID are not printable text; "announcedAt" is in milliseconds since 1970.
Then one line per device of Syncthing, with those of its addresses that it announced in the last 2 hours:
  {"deviceId":"AAAAAAA-…","addresses":[{"address":"tcp://192.0.2.7:22000","announcedAt":1767225600000}]}
"confirmed":false marks a node or device that was announced only once; a full server gives up such ones first.
${JOURNALS}

Example:
  whereabouts journal export >nodes.jsonl`;

const IMPORT_HELP = `
Reads lines that "whereabouts journal export" has printed. The line of a node needs "nodeIdHex" or "nodeId" (if it has
both, "nodeIdHex" counts), "ip", "port" and "announcedAt". The line of a device of Syncthing needs "deviceId" and
"addresses", each with "address" and "announcedAt". Both may have "confirmed", and count as confirmed without it.
A node that the journal knows from a later announcement keeps that one. A device keeps the addresses that the journal
knows. What has expired is left out. Invalid lines are reported with their number and left out.
Servers that share a Redis know the nodes and devices at once. Stop the server before you import into its SQLite file.
${JOURNALS}

Example:
  whereabouts journal import nodes.jsonl --journal redis://localhost`;

const STATS_HELP = `
Prints how many nodes and devices of Syncthing a journal holds, how many addresses these devices have, when the nodes
were announced, and how large the journal is. A server may use it meanwhile.
${JOURNALS}

Example:
  whereabouts journal stats --journal sqlite:/var/lib/whereabouts/registry.db`;

/** Invalid lines that are reported one by one: a file of something else may have millions. */
const MAX_REPORTED = 20;

interface Flags {
  readonly journal: string;
  readonly journalPrefix: string;
  readonly retention: number;
}

export function journalCommand(): Command {
  const command = (name: string, description: string, help: string) =>
    new Command(name)
      .description(description)
      .addOption(flag("--journal <where>", "the journal: sqlite, sqlite:PATH or a URL").default("sqlite"))
      .addOption(flag("--journal-prefix <text>", "prefix of the keys in Redis").default(DEFAULT_PREFIX))
      .addOption(
        flag("--retention <seconds>", "how long a node is valid after its announcement")
          .default(defaultEngineOptions().retentionMs / 1000)
          .argParser(whole(1, 1e9)),
      )
      .addHelpText("after", help)
      .allowExcessArguments(false);
  return new Command("journal")
    .description(DESCRIPTIONS.journal)
    .addCommand(
      command("export", "Print the nodes and devices in a journal as lines of JSON.", EXPORT_HELP).action(exportNodes),
    )
    .addCommand(
      command("import", "Add nodes and devices to a journal: lines of JSON from a file or standard input.", IMPORT_HELP)
        .argument("[file]", 'file with lines of JSON, or "-" for standard input', "-")
        .action(importNodes),
    )
    .addCommand(
      command("stats", "Print how many nodes and devices a journal holds, and its size.", STATS_HELP)
        .addOption(flag("--json", "print a JSON object"))
        .action(showStats),
    );
}

async function exportNodes(flags: Flags, command: Command): Promise<void> {
  await attempt(command, async () => {
    using status = await statusLine(() => "reading the journal");
    const contents = await readContents(() => create(flags, command), flags.retention * 1000);
    status?.[Symbol.dispose]();
    const lines = new Lines();
    await contents.each(async (batch) => {
      for (let i = 0; i < batch.count; i++) await lines.add(entryLine(batch.entry(i)));
      for (let i = 0; i < batch.deviceCount; i++) await lines.add(deviceLine(batch.device(i, 0)));
    }, lines.gone);
    await lines.flush();
    if (contents.damage !== undefined) throw contents.damage;
  });
}

interface ImportCounts {
  nodes: number;
  devices: number;
  expiredNodes: number;
  expiredDevices: number;
  invalid: number;
}

async function importNodes(file: string, flags: Flags, command: Command): Promise<void> {
  if (file === "") command.error('error: the file name is empty: give a file, or "-"', { exitCode: 2 });
  const journal = create(flags, command);
  await attempt(command, async () => {
    // First of all, so that no journal is created for a file that cannot be read.
    const input = await Input.open(file);
    const counts: ImportCounts = { nodes: 0, devices: 0, expiredNodes: 0, expiredDevices: 0, invalid: 0 };
    const status = input.typed
      ? undefined
      : await statusLine(() => `reading nodes and devices: ${counts.nodes + counts.devices} imported so far`);
    const report = (line: string) => {
      status?.hide();
      printError(line);
    };
    try {
      await journal.prepare();
      if (input.typed) printError(`whereabouts: reading nodes and devices from ${input.name}; end with Ctrl-D`);
      await importLines(input, journal, flags.retention, counts, report);
    } finally {
      status?.[Symbol.dispose]();
      await journal.close();
      await input.close();
    }
    const { nodes, devices, expiredNodes, expiredDevices, invalid } = counts;
    if (invalid > MAX_REPORTED) printError(`whereabouts: ${count(invalid - MAX_REPORTED, "more invalid line")}`);
    if (nodes + devices + expiredNodes + expiredDevices + invalid === 0) {
      const expected = 'it should have lines as "whereabouts journal export" prints them';
      printError(`whereabouts: nothing to import: ${visible(input.name)} is empty; ${expected}`);
    } else {
      const imported = devices > 0 ? `${count(nodes, "node")} and ${count(devices, "device")}` : count(nodes, "node");
      const parts = [`${imported} imported`];
      if (expiredNodes > 0) parts.push(`${count(expiredNodes, "expired node")} left out`);
      if (expiredDevices > 0) parts.push(`${count(expiredDevices, "expired device")} left out`);
      if (invalid > 0) parts.push(`${count(invalid, "invalid line")} left out`);
      printError(`whereabouts: ${parts.join(", ")}`);
    }
    if (invalid > 0) process.exitCode = 1;
  });
}

async function importLines(
  input: Input,
  journal: Journal,
  retention: number,
  counts: ImportCounts,
  report: (line: string) => void,
): Promise<void> {
  const writer = new BatchWriter(crypto.getRandomValues(new Uint8Array(8)));
  const append = async () => {
    const batch = writer.seal();
    await journal.append(batch);
    counts.nodes += batch.count - batch.deviceCount;
    counts.devices += batch.deviceCount;
  };
  try {
    for await (const lines of linesOf(input.chunks())) {
      for (const [number, line] of lines) {
        addLine(writer, line, number, journal.shift, retention, counts, report);
        if (writer.full) await append();
      }
    }
  } finally {
    // If reading failed halfway, what was read is kept nevertheless.
    if (writer.count > 0) await append();
  }
}

function addLine(
  writer: BatchWriter,
  line: string,
  number: number,
  shift: number,
  retention: number,
  counts: ImportCounts,
  report: (line: string) => void,
): void {
  const now = Date.now();
  try {
    const parsed = parseLine(line, now);
    if ("device" in parsed) {
      const { device } = parsed;
      const valid = device.addresses.filter(({ announcedAt }) => announcedAt > now - DEVICE_RETENTION_MS);
      if (valid.length === 0) counts.expiredDevices++;
      else writer.addDevice({ ...device, addresses: valid }, shift);
    } else {
      const { node } = parsed;
      if (node.announcedAt <= now - retention * 1000) counts.expiredNodes++;
      else writer.addEntry({ ...node, announcedAt: node.announcedAt + shift });
    }
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    if (++counts.invalid <= MAX_REPORTED) report(`whereabouts: line ${number}: ${visible(error.message)}`);
  }
}

async function showStats(flags: Flags, command: Command): Promise<void> {
  const json = isOn(command, "json");
  await attempt(command, async () => {
    using status = await statusLine(() => "reading the journal");
    let storage: StorageInfo | undefined;
    const contents = await readContents(
      () => create(flags, command),
      flags.retention * 1000,
      async (journal) => {
        storage = await journal.storageInfo();
      },
    );
    status?.[Symbol.dispose]();
    const { nodes, devices, addresses, announcements, oldest, newest, bad } = contents;
    const { batches, bytes, details } = storage!;
    if (json) {
      const counts = { nodes, devices, addresses, announcements };
      await print(`${JSON.stringify({ ...counts, oldest, newest, batches, bad, bytes, ...details })}\n`);
    } else {
      const now = Date.now();
      const time = (at: number | null) => (at === null ? "none" : `${timeStamp(at)} (${showAge(now - at)})`);
      await print(
        table({
          nodes,
          devices: devices === 0 ? 0 : `${devices} with ${count(addresses, "address", "addresses")}`,
          announcements,
          "oldest node": time(oldest),
          "newest node": time(newest),
          batches,
          ...(bad > 0 ? { "damaged batches": bad } : {}),
          size: size(bytes),
          ...Object.fromEntries(Object.entries(details).map(([key, value]) => detailRow(key, value))),
        }),
      );
    }
    if (contents.damage !== undefined) throw contents.damage;
  });
}

/** A detail of a journal for people: its JSON key in words, and its value with its unit. */
function detailRow(key: string, value: string | number): [string, string | number] {
  switch (key) {
    case "schema":
      return ["schema version", value];
    case "key":
      return ["stream key", value];
    case "clockAheadMs":
      return ["clock of Redis", clock(value as number)];
    default:
      return [key, value];
  }
}

function clock(aheadMs: number): string {
  if (aheadMs === 0) return "same as here";
  return `${Math.abs(aheadMs)} ms ${aheadMs > 0 ? "ahead of" : "behind"} this machine's`;
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function table(rows: Readonly<Record<string, string | number>>): string {
  const width = Math.max(...Object.keys(rows).map((name) => name.length));
  return Object.entries(rows)
    .map(([name, value]) => `${name.padEnd(width)}  ${visible(`${value}`)}\n`)
    .join("");
}

async function statusLine(text: () => string): Promise<StatusLine | undefined> {
  if (!process.stderr.isTTY) return undefined;
  // Loaded on use: the tables of characters that take two columns take long to load.
  const { StatusLine } = await import("./terminal/status.ts");
  return new StatusLine(text);
}

/** Runs a command. Expected failures end it with one line and exit code 1; a bug throws as usual. */
async function attempt(command: Command, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const expected = [JournalError, JournalInputError, RangeError].some((type) => error instanceof type);
    if (!expected && !("syscall" in (error as Error))) throw error;
    const keys = error instanceof JournalError ? ["journal"] : [];
    command.error(`error: ${optionErrorText(error as Error, command, keys)}`, { exitCode: 1 });
  }
}

function create({ journal, journalPrefix, retention }: Flags, command: Command): Journal {
  if (journal === "memory") {
    const why = "the journal memory keeps nothing: give --journal sqlite, sqlite:PATH or redis://HOST";
    command.error(`error: ${why}`, { exitCode: 2 });
  }
  try {
    return createJournal({
      journal,
      prefix: journalPrefix,
      retentionMs: retention * 1000,
      origin: crypto.getRandomValues(new Uint8Array(8)),
      clock: new Clock(),
    });
  } catch (error) {
    return command.error(`error: ${optionErrorText(error as Error, command)}`, { exitCode: 2 });
  }
}
