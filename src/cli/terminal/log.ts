/** The server's log: `--log-level` and `--log-format` as a configuration of LogTape. */
import {
  configure,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getTextFormatter,
  type LogLevel,
  type LogRecord,
} from "@logtape/logtape";

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const satisfies readonly LogLevel[];
export const LOG_FORMATS = ["pretty", "json"] as const;

export interface LogOptions {
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
}

/** Logs to standard output, one record per line: JSON, or text that is colored on a terminal unless NO_COLOR is set. */
export async function configureLog({ logLevel, logFormat }: LogOptions): Promise<void> {
  // The reader of the log may stop reading (`| head`). The server must run on.
  process.stdout.on("error", () => {});
  const colored = process.stdout.isTTY && !Bun.env.NO_COLOR;
  // UTC with a Z: a time without an offset would be taken for local time.
  const timestamp = "rfc3339";
  const value = (it: unknown) => (typeof it === "string" ? it : Bun.inspect(it));
  const text = colored ? getAnsiColorFormatter({ timestamp, value }) : getTextFormatter({ timestamp, value });
  const json = getJsonLinesFormatter({ properties: "nest:properties" });
  // The formatter would quote each text that a message contains a second time.
  const format = logFormat === "json" ? (record: LogRecord) => json(withPlainMessage(record, value)) : text;
  await configure({
    sinks: { out: (record) => void process.stdout.write(format(record)) },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["out"] },
      { category: "whereabouts", lowestLevel: logLevel, sinks: ["out"] },
    ],
  });
}

/** The parts of a message are text and values by turns. */
function withPlainMessage(record: LogRecord, value: (it: unknown) => string): LogRecord {
  return { ...record, message: [record.message.map((part, i) => (i % 2 === 0 ? part : value(part))).join("")] };
}
