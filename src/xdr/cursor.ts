import { checkUint32 } from "./check.ts";

/** One step of a path: the name of a field, or the index of an element. */
type Part = string | number;

/** State shared by reading and writing: the position in bytes, the nesting depth, and the path in the value. */
export abstract class Cursor {
  /** The position, in bytes from the start of the input or output. */
  at = 0;
  #depth = 0;
  #maxDepth = 0;
  #part: Part = "";
  // The parts that enclose the current one, outermost first. The first entry is the whole value and has no name.
  readonly #outer: Part[] = [];
  #level = 0;

  /** Sets the maximum depth, and the current depth to 0. */
  limit(maxDepth: number): void {
    checkUint32("maxDepth", maxDepth);
    this.#maxDepth = maxDepth;
    this.#depth = 0;
  }

  /** Enters one level of nesting. Only arrays, lists, unions and optionals count. */
  enter(): void {
    if (this.#depth >= this.#maxDepth) this.tooDeep(`nested deeper than the maxDepth of ${this.#maxDepth}`);
    this.#depth += 1;
  }

  leave(): void {
    this.#depth -= 1;
  }

  /** Sets the last step of the path, and returns it. */
  to<P extends Part>(part: P): P {
    this.#part = part;
    return part;
  }

  /** Goes one step down in the path: until {@link close}, `to` names parts of the current part. */
  open(): void {
    this.#outer[this.#level] = this.#part;
    this.#level += 1;
  }

  close(): void {
    this.#level -= 1;
    this.#part = this.#outer[this.#level]!;
  }

  /** The path of the current part, written as in code: `entries[3].size`. */
  path(): string {
    const path = [...this.#outer.slice(0, this.#level), this.#part].slice(1);
    return path.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
  }

  /** Calls `run` one level of nesting deeper. If it throws, the position is restored. */
  nested<T>(run: () => T): T {
    const { at } = this;
    this.enter();
    try {
      return run();
    } catch (error) {
      this.undo(at);
      throw error;
    } finally {
      this.leave();
    }
  }

  protected undo(at: number): void {
    this.at = at;
  }

  protected abstract tooDeep(detail: string): never;
}
