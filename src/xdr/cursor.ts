import { checkUint32 } from "./check.ts";

/** A part of a value: the name of a field, or the index of an element. */
type Part = string | number;

/** What reading and writing have in common: a position, a depth, and the way to the part at hand. */
export abstract class Cursor {
  at = 0;
  #depth = 0;
  #maxDepth = 0;
  #part: Part = "";
  // The parts that this one is a part of; the first stands for the whole.
  readonly #outer: Part[] = [];
  #level = 0;

  /** Starts at the top. */
  limit(maxDepth: number): void {
    checkUint32("maxDepth", maxDepth);
    this.#maxDepth = maxDepth;
    this.#depth = 0;
  }

  /** Goes down a level of those that `maxDepth` counts. */
  enter(): void {
    if (this.#depth >= this.#maxDepth) this.tooDeep(`nested deeper than the maxDepth of ${this.#maxDepth}`);
    this.#depth += 1;
  }

  leave(): void {
    this.#depth -= 1;
  }

  /** Goes on to a part of the value at hand. */
  to<P extends Part>(part: P): P {
    this.#part = part;
    return part;
  }

  /** Makes the part at hand the value at hand. */
  open(): void {
    this.#outer[this.#level] = this.#part;
    this.#level += 1;
  }

  close(): void {
    this.#level -= 1;
    this.#part = this.#outer[this.#level]!;
  }

  /** The way to the part at hand as it is written in code, as in `entries[3].size`. */
  path(): string {
    const path = [...this.#outer.slice(0, this.#level), this.#part].slice(1);
    return path.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
  }

  /** Runs `run` a level further down. Where it throws, the cursor is where it was. */
  nested<T>(run: () => T): T {
    const { at } = this;
    this.enter();
    try {
      return run();
    } catch (error) {
      this.rewind(at);
      throw error;
    } finally {
      this.leave();
    }
  }

  protected rewind(at: number): void {
    this.at = at;
  }

  protected abstract tooDeep(detail: string): never;
}
