/** A program of a test that reports what happens to it: a line of JSON each on standard output. */
import type { Subprocess } from "bun";

/** What such a program writes. `time` is by its own clock, performance.now(). */
export interface Line<Report> {
  readonly report: Report;
  readonly time: number;
}

type ReportOf<Report, Type> = Extract<Report, { type: Type }>;

/**
 * How long a test waits for a report by default, in ms: less than the 27 s after which programs of a LAN announce themselves again
 * unasked, so that a test that waits for an answer does not pass by that. The programs of a busy machine may take seconds.
 */
const FIRST_LIMIT_MS = 15_000;

export class Reporter<Report extends { readonly type: string }> implements AsyncDisposable {
  /**
   * Its reports, with the time at which this process has read each (performance.now()), and the time by the program's own clock, which
   * does not depend on how busy this process is.
   */
  readonly reports: (Line<Report> & { readonly at: number })[] = [];
  readonly startedAt = performance.now();
  readonly #process: Subprocess<"pipe", "pipe", "inherit">;
  /** Resolves when there are more reports, for all that wait. */
  #more = Promise.withResolvers<void>();

  constructor(command: readonly string[]) {
    this.#process = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    void this.#read();
  }

  /** Waits until it reports that it is ready. */
  async ready(): Promise<this> {
    await this.first("ready", undefined, 2 * FIRST_LIMIT_MS);
    return this;
  }

  /** All reports of a type so far. */
  all<T extends Report["type"]>(type: T): ReportOf<Report, T>[] {
    return this.reports
      .map(({ report }) => report)
      .filter((report): report is ReportOf<Report, T> => report.type === type);
  }

  /**
   * Returns the first report of a type for which `fits` is true. If there is none yet, waits up to `timeout` ms.
   *
   * @throws {Error} if none has come by then
   */
  async first<T extends Report["type"]>(
    type: T,
    fits: (report: ReportOf<Report, T>) => boolean = () => true,
    timeout = FIRST_LIMIT_MS,
  ): Promise<ReportOf<Report, T> & { time: number }> {
    const end = performance.now() + timeout;
    for (let next = 0; ; ) {
      for (; next < this.reports.length; next++) {
        const { report, time } = this.reports[next]!;
        const found = report as ReportOf<Report, T>;
        if (report.type === type && fits(found)) return { ...found, time };
      }
      const left = end - performance.now();
      if (left <= 0) throw new Error(`no ${type} within ${timeout} ms, but ${JSON.stringify(this.reports.slice(-10))}`);
      await Promise.race([this.#more.promise, Bun.sleep(left)]);
    }
  }

  /** Writes a line of JSON to its standard input. */
  order(order: object): void {
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    this.#process.stdin.flush();
  }

  /** Stops the program for `ms`, as when a computer sleeps. */
  async pause(ms: number): Promise<void> {
    this.#process.kill("SIGSTOP");
    await Bun.sleep(ms);
    this.#process.kill("SIGCONT");
  }

  /** Kills the program, so that it cannot clean up. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const bytes of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + bytes).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.reports.push({ ...JSON.parse(line), at: performance.now() });
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    }
  }
}
