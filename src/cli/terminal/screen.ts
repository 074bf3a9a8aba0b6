/** Lines that change in place, on the terminal's alternate screen: the terminal is as before when the command ends. */
import { writeSync } from "node:fs";
import { print } from "./output.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

// Alternate screen, no cursor, no wrapping: when the terminal shrinks, long lines are cut and do not push others away.
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const ERASE_LINE = "\x1b[2K";
const ERASE_BELOW = "\x1b[J";

export class Screen {
  /** Resolves when the terminal is gone. */
  readonly gone: Promise<void>;
  readonly #render: (size: Size) => readonly string[];
  readonly #reportGone: () => void;
  #open = false;
  #writing = false;

  /** @param render - the lines to show; they must fit the size */
  constructor(render: (size: Size) => readonly string[]) {
    this.#render = render;
    let reportGone = () => {};
    this.gone = new Promise((resolve) => {
      reportGone = resolve;
    });
    this.#reportGone = reportGone;
  }

  open(): void {
    process.on("exit", this.#restore);
    process.on("SIGTSTP", this.#suspend);
    process.on("SIGCONT", this.#resume);
    process.stdout.on("resize", this.#redraw);
    this.#resume();
  }

  /** Shows the current lines. Skipped while the terminal still takes the previous ones. */
  draw(): void {
    if (!this.#open || this.#writing) return;
    const lines = this.#render({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 });
    this.#write(HOME + lines.map((line) => ERASE_LINE + line).join("\n") + ERASE_BELOW);
  }

  /** Leaves the alternate screen and prints all lines below the command. */
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

  /** Ctrl-Z: restores the terminal for the shell. */
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
      // The terminal is gone, so there is nothing to restore.
    }
  };

  #write(text: string): void {
    this.#writing = true;
    print(text).then(
      (written) => {
        this.#writing = false;
        if (!written) this.#reportGone();
      },
      () => this.#reportGone(),
    );
  }
}
