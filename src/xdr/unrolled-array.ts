// Code that reads and writes the elements of an array, in 8 identical copies: unrolled-struct.ts gives the reason.

import type { Input } from "./input.ts";
import type { Ops } from "./ops.ts";
import type { Output } from "./output.ts";

export interface UnrolledArray<T> {
  read(input: Input, count: number): T[];
  write(output: Output, values: readonly T[], count: number): void;
}

type Copy = <T>(element: Ops<T>) => UnrolledArray<T>;

/** The index of the copy that was given out last. The arrays that are used first get a copy of their own. */
let used = 0;

/**
 * Code for arrays of this element, in a copy that no other array uses. When all are used, arrays share the last copy.
 */
export function unrolledArray<T>(element: Ops<T>): UnrolledArray<T> {
  if (used < COPIES.length - 1) used += 1;
  return COPIES[used]!(element);
}

const COPIES: readonly Copy[] = [
  (element) => ({
    read(input, count) {
      const values = [];
      for (let i = 0; i < count; i += 1) {
        input.to(i);
        values.push(element.read(input));
      }
      return values;
    },
    write(output, values, count) {
      for (let i = 0; i < count; i += 1) {
        output.to(i);
        element.write(output, values[i]!);
      }
    },
  }),
  (element) => ({
    read(input, count) {
      const values = [];
      for (let i = 0; i < count; i += 1) {
        input.to(i);
        values.push(element.read(input));
      }
      return values;
    },
    write(output, values, count) {
      for (let i = 0; i < count; i += 1) {
        output.to(i);
        element.write(output, values[i]!);
      }
    },
  }),
  (element) => ({
    read(input, count) {
      const values = [];
      for (let i = 0; i < count; i += 1) {
        input.to(i);
        values.push(element.read(input));
      }
      return values;
    },
    write(output, values, count) {
      for (let i = 0; i < count; i += 1) {
        output.to(i);
        element.write(output, values[i]!);
      }
    },
  }),
  (element) => ({
    read(input, count) {
      const values = [];
      for (let i = 0; i < count; i += 1) {
        input.to(i);
        values.push(element.read(input));
      }
      return values;
    },
    write(output, values, count) {
      for (let i = 0; i < count; i += 1) {
        output.to(i);
        element.write(output, values[i]!);
      }
    },
  }),
  (element) => ({
    read(input, count) {
      const values = [];
      for (let i = 0; i < count; i += 1) {
        input.to(i);
        values.push(element.read(input));
      }
      return values;
    },
    write(output, values, count) {
      for (let i = 0; i < count; i += 1) {
        output.to(i);
        element.write(output, values[i]!);
      }
    },
  }),
  (element) => ({
    read(input, count) {
      const values = [];
      for (let i = 0; i < count; i += 1) {
        input.to(i);
        values.push(element.read(input));
      }
      return values;
    },
    write(output, values, count) {
      for (let i = 0; i < count; i += 1) {
        output.to(i);
        element.write(output, values[i]!);
      }
    },
  }),
  (element) => ({
    read(input, count) {
      const values = [];
      for (let i = 0; i < count; i += 1) {
        input.to(i);
        values.push(element.read(input));
      }
      return values;
    },
    write(output, values, count) {
      for (let i = 0; i < count; i += 1) {
        output.to(i);
        element.write(output, values[i]!);
      }
    },
  }),
  (element) => ({
    read(input, count) {
      const values = [];
      for (let i = 0; i < count; i += 1) {
        input.to(i);
        values.push(element.read(input));
      }
      return values;
    },
    write(output, values, count) {
      for (let i = 0; i < count; i += 1) {
        output.to(i);
        element.write(output, values[i]!);
      }
    },
  }),
];
