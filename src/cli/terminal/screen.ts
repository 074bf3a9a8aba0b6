/** A terminal that shows lines which change: on its second screen, so that the first is as before when it is left. */
import { writeSync } from "node:fs";
import { print } from "./output.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

// Second screen, no cursor, no wrapping: a line that a shrinking terminal has no room for is cut, not folded.
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const ERASE_LINE = "\x1b[2K";
const ERASE_BELOW = "\x1b[J";

export class Screen {
  /** Resolves when the terminal is gone. */
  readonly gone: Promise<void>;
  readonly #render: (size: Size) => readonly string[];
  readonly #lost: () => void;
  #open = false;
  #writing = false;

  /** @param render the lines to show: not more, and none longer, than the size says. */
  constructor(render: (size: Size) => readonly string[]) {
    this.#render = render;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    this.#lost = resolve;
  }

  open(): void {
    process.on("exit", this.#restore);
    process.on("SIGTSTP", this.#suspend);
    process.on("SIGCONT", this.#resume);
    process.stdout.on("resize", this.#redraw);
    this.#resume();
  }

  /** Shows the lines as they are now. A terminal that is still busy with the ones before is left to it. */
  draw(): void {
    if (!this.#open || this.#writing) return;
    const lines = this.#render({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 });
    this.#write(HOME + lines.map((line) => ERASE_LINE + line).join("\n") + ERASE_BELOW);
  }

  /** Leaves the lines behind, all of them, where the command was typed. */
  async close(): Promise<void> {
    process.off("exit", this.#restore);
    process.off("SIGTSTP", this.#suspend);
    process.off("SIGCONT", this.#resume);
    process.stdout.off("resize", this.#redraw);
    const lines = this.#render({ columns: process.stdout.columns || 80, rows: Number.POSITIVE_INFINITY });
    const leave = this.#open ? LEAVE : "";
    this.#open = false;
    await print(`${leave}${lines.join("\n")}\n`);
  }

  readonly #redraw = () => this.draw();

  readonly #resume = () => {
    this.#open = true;
    process.stdout.write(ENTER);
    this.draw();
  };

  /** Ctrl-Z: the shell gets its terminal back as it was. */
  readonly #suspend = () => {
    this.#restore();
    process.kill(process.pid, "SIGSTOP");
  };

  readonly #restore = () => {
    if (!this.#open) return;
    this.#open = false;
    try {
      writeSync(1, LEAVE);
    } catch {
      // The terminal is gone, and what was to be restored with it.
    }
  };

  #write(text: string): void {
    this.#writing = true;
    print(text).then(
      (written) => {
        this.#writing = false;
        if (!written) this.#lost();
      },
      () => this.#lost(),
    );
  }
}
