import type { Input } from "./input.ts";
import type { Output } from "./output.ts";

/** How values of a type are read and written: what stands behind types, and behind the reader's and writer's methods. */
export interface Ops<T> {
  /** The fewest bytes that a value takes. */
  minimum(): number;
  read(input: Input): T;
  write(output: Output, value: T): void;
}

export function ops<T>(minimum: number, read: (input: Input) => T, write: (output: Output, value: T) => void): Ops<T> {
  return { minimum: () => minimum, read, write };
}
