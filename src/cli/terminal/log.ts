/** The server's log: `--log-level` and `--log-format` as a configuration of LogTape. */
import { fstatSync } from "node:fs";
import {
  configure,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getTextFormatter,
  type LogLevel,
  type LogRecord,
} from "@logtape/logtape";
import { Repeats } from "./repeats.ts";
import { UNPRINTABLE, visible } from "./style.ts";
import { localTime } from "./time.ts";

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const satisfies readonly LogLevel[];
export const LOG_FORMATS = ["auto", "pretty", "json"] as const;

export interface LogOptions {
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
}

/** systemd's journal reads the priority of a line from such a prefix: `<4>`. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = {
  trace: 7,
  debug: 7,
  info: 6,
  warning: 4,
  error: 3,
  fatal: 2,
};

/** Set by {@link configureLog}. */
let repeats: Repeats | undefined;
/** How long the end of the program waits for a reader that is slow, in ms. */
const FLUSH_MS = 500;

/**
 * Logs to standard output, one record per line. `pretty` is text, colored on a terminal unless NO_COLOR is set. `json` is one
 * object per line. `auto` is `pretty` on a terminal and in systemd's journal, and else `json`. Lines for the journal have a
 * priority, and no time if they are text: the journal has its own.
 */
export async function configureLog({ logLevel, logFormat }: LogOptions): Promise<void> {
  // The reader of the log may stop reading (`| head`). The server must run on.
  process.stdout.on("error", () => {});
  const { isTTY } = process.stdout;
  const toJournal = isJournal(Bun.env.JOURNAL_STREAM);
  const pretty = logFormat === "pretty" || (logFormat === "auto" && (isTTY || toJournal));
  const format = pretty ? textFormat(isTTY && !Bun.env.NO_COLOR, toJournal) : jsonLine;
  const prefix = ({ level }: LogRecord) => (toJournal ? `<${PRIORITIES[level]}>` : "");
  repeats = new Repeats((record) => void process.stdout.write(prefix(record) + format(record)));
  process.on("exit", () => repeats?.flush());
  await configure({
    sinks: { out: (record) => repeats?.log(withPlainMessage(record)) },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["out"] },
      { category: "whereabouts", lowestLevel: logLevel, sinks: ["out"] },
    ],
  });
}

/** Logs repetitions that were not logged yet. */
export function flushRepeats(): void {
  repeats?.flush();
}

/** Waits until all lines are written, as the last thing before the process exits: a pipe may be full. */
export async function writeLog(): Promise<void> {
  flushRepeats();
  const { promise: written, resolve } = Promise.withResolvers<void>();
  process.stdout.write("", () => resolve());
  await Promise.race([written, Bun.sleep(FLUSH_MS)]);
}

/** Whether standard output goes to systemd's journal. @param stream - of the variable JOURNAL_STREAM: `device:inode` */
function isJournal(stream: string | undefined): boolean {
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(process.stdout.fd);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

function textFormat(colored: boolean, toJournal: boolean): (record: LogRecord) => string {
  const timestamp = (at: number) => (toJournal ? null : localTime(at, " "));
  return colored ? getAnsiColorFormatter({ timestamp }) : getTextFormatter({ timestamp });
}

const json = getJsonLinesFormatter({ properties: "nest:properties" });

function jsonLine(record: LogRecord): string {
  // The formatter has no option for its time, which is UTC.
  const line = json(record).replace(/^\{"@timestamp":"[^"]*"/, `{"@timestamp":"${localTime(record.timestamp, "T")}"`);
  // JSON escapes control characters, but not those that hide text or change its direction.
  return `${line.trimEnd().replace(UNPRINTABLE, jsonEscape)}\n`;
}

function jsonEscape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
  ).join("");
}

/**
 * The parts of a message are text and values by turns. The formatters would quote the values. Strangers' bytes may be in
 * both, so characters that a terminal would interpret are escaped here, once for all lines.
 */
function withPlainMessage(record: LogRecord): LogRecord {
  const value = (it: unknown) => (typeof it === "string" ? it : Bun.inspect(it));
  return {
    ...record,
    message: [visible(record.message.map((part, i) => (i % 2 === 0 ? part : value(part))).join(""))],
  };
}
