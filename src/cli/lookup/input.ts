/** The IDs that a lookup is given: its arguments, or the lines of standard input. */
import { isatty } from "node:tty";
import type { Command } from "commander";

const LINE_FEED = 10;
const RETURN = 13;

/** How IDs of one kind are read. */
export interface IdKind<Id> {
  /** `node` or `device`. */
  readonly noun: string;
  /** `NodeID` or `device ID`. */
  readonly name: string;
  /** No ID is longer, in bytes. */
  readonly longest: number;
  /** @throws {RangeError} if it is not an ID; the message says why, and begins with "it" or the name */
  parse(bytes: Uint8Array): Id;
}

/** @returns the IDs of the arguments; `undefined` if they come from standard input */
export function givenIds<Id>(texts: readonly string[], kind: IdKind<Id>, command: Command): Id[] | undefined {
  if (texts.length > 1 && texts.includes("-")) {
    command.error('error: "-" must be the only argument', { exitCode: 2 });
  }
  if (texts.length === 0 && isatty(0)) {
    command.error(`error: nothing to look up: give ${kind.name}s, or "-" to type them line by line`, { exitCode: 2 });
  }
  if (texts.length === 0 || texts.includes("-")) return undefined;
  return texts.map((text, index) => {
    try {
      return kind.parse(new TextEncoder().encode(text));
    } catch (error) {
      const why = (error as Error).message;
      return command.error(`error: argument ${index + 1} is not a ${kind.name}: ${why}`, { exitCode: 2 });
    }
  });
}

/** Reads IDs from the lines of a stream. Empty lines are skipped. */
export class IdLines<Id> {
  /** The error, if a line is not an ID. Such a line ends the input. */
  wrong: string | undefined;
  readonly #kind: IdKind<Id>;
  #number = 0;

  constructor(kind: IdKind<Id>) {
    this.#kind = kind;
  }

  async *read(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Id> {
    let rest = new Uint8Array(0);
    for await (const chunk of stream) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let to = bytes.indexOf(LINE_FEED); to !== -1; to = bytes.indexOf(LINE_FEED, from)) {
        yield* this.#line(bytes.subarray(from, to));
        if (this.wrong !== undefined) return;
        from = to + 1;
      }
      rest = bytes.slice(from);
      // Do not wait for the end of a line that is too long: it could fill the memory.
      if (rest.length > this.#kind.longest + 1) break;
    }
    yield* this.#line(rest);
  }

  *#line(bytes: Uint8Array): Generator<Id> {
    this.#number++;
    const line = bytes.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes;
    if (line.length === 0) return;
    const { longest, name, parse } = this.#kind;
    try {
      if (line.length > longest) throw new RangeError(`it has more than ${longest} bytes`);
      yield parse(line.slice());
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.wrong = `line ${this.#number} is not a ${name}: ${error.message}`;
    }
  }
}
