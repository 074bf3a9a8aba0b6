/** `whereabouts journal`: what a journal holds, out of one and into another. */
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { Command } from "commander";
import { createEngine, createEngineMemory, defaultEngineOptions, type EngineOptions } from "../engine/index.ts";
import {
  Batch,
  BatchWriter,
  createJournal,
  DEFAULT_PREFIX,
  type Journal,
  JournalError,
  type SealedBatch,
  type StorageInfo,
} from "../journal/index.ts";
import { RegistryBatches } from "../server/registry-batches.ts";
import { optionErrorText } from "./errors.ts";
import { entryLine, LineError, linesOf, parseEntry } from "./journal-lines.ts";
import { Lines, print, printError } from "./terminal/output.ts";
import { pad, showAge, timeStamp, visible } from "./terminal/style.ts";
import { flag, isOn, whole } from "./values.ts";

const JOURNALS = `
A journal is sqlite (the default: registry.db in $STATE_DIRECTORY, else in $XDG_STATE_HOME/whereabouts or
~/.local/state/whereabouts), sqlite:PATH, redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// with TLS, or
valkey://. A password is better given in WHEREABOUTS_JOURNAL than in a command line, which everybody on the machine can
read.`;

const ENTRY = `{"nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","ip":"192.0.2.7","port":22000,"announcedAt":1767225600000}`;

const EXPORT = `
Prints a line of JSON for each node that a server would know that started now, the one announced first first. A server
may be using the journal meanwhile.
  ${ENTRY}
"nodeId" is null where the bytes of a NodeID are no printable text; "announcedAt" is in milliseconds since 1970.
${JOURNALS}

Examples:
  whereabouts journal export >nodes.jsonl
  whereabouts journal export | whereabouts journal import --journal redis://localhost`;

const IMPORT = `
Takes lines as "whereabouts journal export" prints them. Of a NodeID, "nodeIdHex" counts, or "nodeId" where there is none.
What is known of a node that was announced later stays. Servers that share a Redis hear of it at once; an SQLite file
must not be in use. Nodes whose time is over are left out.
A line that is no entry is reported with its number and left out; then the exit code is 1.
${JOURNALS}

Examples:
  whereabouts journal import nodes.jsonl --journal redis://localhost
  whereabouts journal import --journal sqlite:/var/lib/whereabouts/registry.db <nodes.jsonl`;

const STATS = `
Says how many nodes a journal holds, when they were announced and what it takes. A server may be using it meanwhile.
${JOURNALS}`;

/** Lines that are reported one by one: who imports the wrong file need not read all of it. */
const REPORTED = 20;

interface Flags {
  readonly journal: string;
  readonly journalPrefix: string;
  readonly retention: number;
}

export function journalCommand(): Command {
  const command = (name: string, description: string, help: string) =>
    new Command(name)
      .description(description)
      .addOption(flag("--journal <where>", "which journal").default("sqlite"))
      .addOption(flag("--journal-prefix <text>", "what the keys in Redis begin with").default(DEFAULT_PREFIX))
      .addOption(
        flag("--retention <seconds>", "how long an announcement holds")
          .default(defaultEngineOptions().retentionMs / 1000)
          .argParser(whole(1, 1e9)),
      )
      .addHelpText("after", help)
      .allowExcessArguments(false);
  return new Command("journal")
    .description("Look into the journal of a server, or move it: to another journal, or to another machine.")
    .addCommand(command("export", "Print the nodes in a journal: a line of JSON for each.", EXPORT).action(exportNodes))
    .addCommand(
      command("import", "Put nodes into a journal: lines of JSON from a file or standard input.", IMPORT)
        .argument("[file]", 'lines of JSON, or "-" for standard input', "-")
        .action(importNodes),
    )
    .addCommand(
      command("stats", "Say what a journal holds.", STATS)
        .addOption(flag("--json", "a JSON object instead of lines"))
        .action(showStats),
    );
}

async function exportNodes(flags: Flags, command: Command): Promise<void> {
  await attempt(command, async () => {
    const contents = await read(flags, command);
    const lines = new Lines();
    await contents.each(async (batch) => {
      for (let i = 0; i < batch.count; i++) await lines.add(entryLine(batch.entry(i)));
    }, lines.gone);
    await lines.flush();
    if (contents.damage !== undefined) throw contents.damage;
  });
}

async function importNodes(file: string, flags: Flags, command: Command): Promise<void> {
  const journal = create(flags, command);
  await attempt(command, async () => {
    const writer = new BatchWriter(randomBytes(8));
    const tally = { imported: 0, over: 0, wrong: 0 };
    const append = async () => {
      const count = writer.count;
      await journal.append(writer.seal());
      tally.imported += count;
    };
    // No journal is made for what cannot be read.
    if (file !== "-" && statSync(file).isDirectory()) throw new RangeError(`${file} is a folder`);
    try {
      await journal.prepare();
      for await (const lines of linesOf(file === "-" ? Bun.stdin.stream() : Bun.file(file).stream())) {
        for (const [number, line] of lines) {
          addLine(writer, line, number, journal.shift, flags.retention, tally);
          if (writer.full) await append();
        }
      }
    } finally {
      // Whatever became of the input: what was read of it counts.
      try {
        if (writer.count > 0) await append();
      } finally {
        await journal.close();
      }
    }
    if (tally.wrong > REPORTED) printError(`whereabouts: and ${tally.wrong - REPORTED} lines more`);
    const { imported, over, wrong } = tally;
    printError(`whereabouts: ${imported} nodes imported, ${over} left out whose time is over, ${wrong} lines wrong`);
    if (wrong > 0) process.exitCode = 1;
  });
}

function addLine(
  writer: BatchWriter,
  line: string,
  number: number,
  shift: number,
  retention: number,
  tally: { over: number; wrong: number },
): void {
  const now = Date.now();
  try {
    const entry = parseEntry(line, now);
    if (entry.announcedAt <= now - retention * 1000) tally.over++;
    else writer.addEntry({ ...entry, announcedAt: entry.announcedAt + shift });
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    if (++tally.wrong <= REPORTED) printError(`whereabouts: line ${number}: ${visible(error.message)}`);
  }
}

async function showStats(flags: Flags, command: Command): Promise<void> {
  const json = isOn(command, "json");
  await attempt(command, async () => {
    let storageInfo: StorageInfo | undefined;
    const contents = await read(flags, command, async (journal) => {
      storageInfo = await journal.storageInfo();
    });
    const { nodes, announcements, oldest, newest, bad } = contents;
    const { batches, bytes, more } = storageInfo!;
    if (json)
      await print(`${JSON.stringify({ nodes, announcements, oldest, newest, batches, bad, bytes, ...more })}\n`);
    else {
      const now = Date.now();
      const time = (at: number | null) => (at === null ? "-" : `${timeStamp(at)}, ${showAge(now - at)}`);
      const rows: Record<string, string | number> = {
        nodes: `${nodes}, of ${announcements} announcements`,
        oldest: time(oldest),
        newest: time(newest),
        batches: bad > 0 ? `${batches}, and ${bad} that are none or damaged` : batches,
        size: bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`,
        ...more,
      };
      const width = Math.max(...Object.keys(rows).map((name) => name.length));
      const lines = Object.entries(rows).map(([name, value]) => `${pad(name, width)}  ${visible(`${value}`)}\n`);
      await print(lines.join(""));
    }
    if (contents.damage !== undefined) throw contents.damage;
  });
}

/** What keeps a command from its work is a line and exit code 1, where it is nothing that a stack would explain. */
async function attempt(command: Command, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const expected = error instanceof JournalError || error instanceof RangeError || "syscall" in (error as Error);
    if (!expected) throw error;
    const keys = error instanceof JournalError ? ["journal"] : [];
    command.error(`error: ${optionErrorText(error as Error, command, keys)}`, { exitCode: 1 });
  }
}

function create({ journal, journalPrefix, retention }: Flags, command: Command): Journal {
  if (journal === "memory") command.error("error: the journal memory keeps nothing: give --journal", { exitCode: 2 });
  try {
    return createJournal({
      journal,
      prefix: journalPrefix,
      retentionMs: retention * 1000,
      origin: new Uint8Array(randomBytes(8)),
    });
  } catch (error) {
    return command.error(`error: ${optionErrorText(error as Error, command)}`, { exitCode: 2 });
  }
}

interface Contents {
  readonly nodes: number;
  /** What was read to know them: a node may have been announced more than once, or its time may be over. */
  readonly announcements: number;
  readonly oldest: number | null;
  readonly newest: number | null;
  readonly bad: number;
  /** Why not all of it could be read. */
  readonly damage: JournalError | undefined;
  /** Hands on all nodes, batch by batch, until `gone` resolves. */
  each(take: (batch: Batch) => Promise<void>, gone: Promise<void>): Promise<void>;
}

/**
 * Reads a journal twice: first for how much room it takes, then into a registry, which knows what of it still counts.
 * @param look what else to do with it, before it is closed.
 * @throws {JournalError} if it cannot be read at all
 */
async function read(flags: Flags, command: Command, look?: (journal: Journal) => Promise<void>): Promise<Contents> {
  const room = { entries: 0, longest: 1 };
  const survey = create(flags, command);
  await readOnce(survey, async (batch) => {
    room.entries += batch.count;
    for (let i = 0; i < batch.count; i++) room.longest = Math.max(room.longest, batch.idLength(i));
  });
  await survey.close();
  const options: EngineOptions = {
    ...defaultEngineOptions(),
    // A server may be adding to it.
    capacity: Math.ceil(room.entries * 1.1) + 1000,
    maxIdLength: Math.max(room.longest, defaultEngineOptions().maxIdLength),
    retentionMs: flags.retention * 1000,
  };
  const memory = createEngineMemory(options);
  const batches = new RegistryBatches(memory, createEngine("wasm", memory), new Uint8Array(8));
  const journal = create(flags, command);
  let announcements = 0;
  const damage = await readOnce(journal, async (batch, shift) => {
    announcements += batch.count;
    await batches.merge(batch, shift);
  });
  try {
    await look?.(journal);
  } finally {
    await journal.close();
  }
  let [nodes, oldest, newest] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const all = async (take: (batch: Batch) => Promise<void>) => {
    await batches.appendAll(
      async ({ bytes }: SealedBatch) => await take(Batch.parse(bytes)),
      () => 0,
    );
  };
  await all(async (batch) => {
    nodes += batch.count;
    for (let i = 0; i < batch.count; i++) {
      oldest = Math.min(oldest, batch.time(i));
      newest = Math.max(newest, batch.time(i));
    }
  });
  const finite = (time: number) => (Number.isFinite(time) ? time : null);
  return {
    nodes,
    announcements,
    oldest: finite(oldest),
    newest: finite(newest),
    bad: journal.bad,
    damage,
    async each(take, gone) {
      let left = false;
      void gone.then(() => {
        left = true;
      });
      await all(async (batch) => {
        if (!left) await take(batch);
      });
    },
  };
}

/** @returns what is damaged, if something is: all else was read. */
async function readOnce(
  journal: Journal,
  take: (batch: Batch, shift: number) => Promise<void>,
): Promise<JournalError | undefined> {
  try {
    await journal.read({ merge: take });
    return undefined;
  } catch (error) {
    if (error instanceof JournalError && error.code === "damaged") return error;
    await journal.close();
    throw error;
  }
}
