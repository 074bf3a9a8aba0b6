/** One status line on standard error while a command waits: redrawn on a terminal, and erased at the end. */
import { writeSync } from "node:fs";
import { fit } from "./columns.ts";
import { type Overlay, printError } from "./output.ts";
import { PLAIN, styleFor } from "./style.ts";

/** The line appears after this time. A faster command shows none. */
const DELAY_MS = 400;
const FRAME_MS = 125;
const FRAMES = ["|", "/", "-", "\\"];
const ERASE_LINE = "\r\x1b[2K";
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export class StatusLine implements Overlay, Disposable {
  readonly #text: () => string;
  readonly #delay: NodeJS.Timeout;
  #redraw: NodeJS.Timeout | undefined;
  #drawn = false;
  #frame = 0;

  /**
   * @param text - returns what the command is waiting for; called for each frame. Nothing is shown while it returns an
   *   empty string
   */
  constructor(text: () => string) {
    this.#text = text;
    this.#delay = setTimeout(() => this.#start(), DELAY_MS).unref();
  }

  #start(): void {
    // Without colors or control sequences the line cannot be erased: it is printed once.
    if (styleFor(process.stderr) === PLAIN) {
      const text = this.#text();
      if (text !== "") printError(text);
      return;
    }
    this.#redraw = setInterval(() => this.show(), FRAME_MS).unref();
    process.on("exit", this.#erase);
    for (const signal of SIGNALS) process.on(signal, this.#interrupt);
    this.show();
  }

  show(): void {
    const waitsFor = this.#text();
    if (this.#redraw === undefined || waitsFor === "") return;
    const frame = FRAMES[this.#frame++ % FRAMES.length]!;
    // A line as wide as the terminal could wrap, and only its last row would be erased.
    const text = fit(`${frame} ${waitsFor}`, (process.stderr.columns || 80) - 1).trimEnd();
    this.#write(ERASE_LINE + styleFor(process.stderr).dim(text));
    this.#drawn = true;
  }

  hide(): void {
    this.#erase();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#delay);
    clearInterval(this.#redraw);
    this.#redraw = undefined;
    process.off("exit", this.#erase);
    for (const signal of SIGNALS) process.off(signal, this.#interrupt);
    this.#erase();
  }

  readonly #erase = () => {
    if (this.#drawn) this.#write(ERASE_LINE);
    this.#drawn = false;
  };

  /** Erases the line, then lets the signal end the process as it would without this handler. */
  readonly #interrupt = (signal: (typeof SIGNALS)[number]) => {
    this[Symbol.dispose]();
    process.kill(process.pid, signal);
  };

  /** Synchronous, so that it stays in order with the lines on standard output. */
  #write(text: string): void {
    try {
      writeSync(2, text);
    } catch {
      // The terminal is gone or busy. The next frame may succeed.
    }
  }
}
