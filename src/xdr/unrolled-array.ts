// Copies of one piece of code, for the reason that unrolled-struct.ts gives.

import type { Input } from "./input.ts";
import type { Ops } from "./ops.ts";
import type { Output } from "./output.ts";

/** How elements are read and written one after the other. */
export interface Place<T> {
  read(input: Input, count: number): T[];
  write(output: Output, values: readonly T[], count: number): void;
}

type Places = readonly (<T>(element: Ops<T>) => Place<T>)[];

/** How many places are taken. They go to the arrays that are used first. */
let taken = 0;

/** How to read and write elements, in a place of their own while there is one left: the last one is for all others. */
export function placeOf<T>(element: Ops<T>): Place<T> {
  if (taken < PLACES.length - 1) taken += 1;
  return PLACES[taken]!(element);
}

const PLACES: Places = [
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
