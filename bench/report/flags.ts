/** The flags `--report`, `--pictures` and `--from`, which `bun bench` and `bun run bench:server` share. */
import { text, UsageError } from "../options.ts";

export const REPORT_FLAGS = {
  report: text({
    value: "<folder>",
    default: undefined,
    help: `write the figures as JSON, plots (SVG), tables (Markdown) and report.html, which
has all of them, into this folder; a report that is already there is updated`,
  }),
  pictures: text({
    value: "<folder>",
    default: undefined,
    help: "write the plots of --report into this folder instead",
  }),
  from: text({
    value: "<file>",
    default: undefined,
    help: "measure nothing: make the report from this JSON of an earlier run",
  }),
} as const;

export interface ReportOptions {
  readonly folder: string;
  /** Folder for the plots. */
  readonly pictures: string;
  /** JSON of an earlier run; undefined to measure. */
  readonly from: string | undefined;
}

/** @throws {UsageError} if a flag makes no sense without another one */
export function reportOptionsOf(values: Readonly<Record<keyof typeof REPORT_FLAGS, string | undefined>>) {
  const { report: folder, pictures, from } = values;
  if (folder !== undefined) return { folder, pictures: pictures ?? folder, from } satisfies ReportOptions;
  for (const [name, value] of Object.entries({ pictures, from })) {
    if (value !== undefined) throw new UsageError(`--${name} needs --report`);
  }
  return undefined;
}
