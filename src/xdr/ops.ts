import type { Input } from "./input.ts";
import type { Output } from "./output.ts";

/** Reads and writes the values of one type. XdrType, XdrReader and XdrWriter are all built on it. */
export interface Ops<T> {
  /** The minimum size of a value, in bytes. A function, because a recursive type does not know it when it is made. */
  minimum(): number;
  read(input: Input): T;
  write(output: Output, value: T): void;
}

export function ops<T>(minimum: number, read: (input: Input) => T, write: (output: Output, value: T) => void): Ops<T> {
  return { minimum: () => minimum, read, write };
}
