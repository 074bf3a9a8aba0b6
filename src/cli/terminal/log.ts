/** How `--log-level` and `--log-format` become a configuration of LogTape. */
import {
  configure,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getTextFormatter,
  type LogLevel,
} from "@logtape/logtape";

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const satisfies readonly LogLevel[];
export const LOG_FORMATS = ["pretty", "json"] as const;

export interface LogOptions {
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
}

/** Logs go to standard output, a record a line: JSON for machines, else text, coloured on a terminal unless NO_COLOR says no. */
export async function configureLog({ logLevel, logFormat }: LogOptions): Promise<void> {
  // Who reads the log may leave (`| head`); the server stays.
  process.stdout.on("error", () => {});
  const coloured = process.stdout.isTTY && !Bun.env.NO_COLOR;
  const timestamp = "date-time";
  const value = (it: unknown) => (typeof it === "string" ? it : Bun.inspect(it));
  const text = coloured ? getAnsiColorFormatter({ timestamp, value }) : getTextFormatter({ timestamp, value });
  const format = logFormat === "json" ? getJsonLinesFormatter({ properties: "nest:properties" }) : text;
  await configure({
    sinks: { out: (record) => void process.stdout.write(format(record)) },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["out"] },
      { category: "whereabouts", lowestLevel: logLevel, sinks: ["out"] },
    ],
  });
}
