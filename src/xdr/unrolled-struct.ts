// Engines keep what they have learned of code (which properties, which functions, which shapes) with its place in the
// source. A loop over the fields of any struct is one place, and slow, as it has to be right for all of them. So here is
// one and the same piece of code in many places, each for one struct, where all that is learned stays true: an object of
// eight fields is made thirteen times as fast by it in V8, and three times in JavaScriptCore. Where no code may be made
// at run time, as in pages with a content security policy, there is no other way. A test sees to it that all are alike.

import type { Input } from "./input.ts";
import type { Ops } from "./ops.ts";
import type { Output } from "./output.ts";

/** A value whose type only the caller knows. */
export type Values = { [name: string]: unknown };

/** A field, and how it is read and written. */
export type NamedOps = Ops<unknown> & { readonly name: string };

/** As many fields as one place takes; longer structs take several. */
type Some = readonly [a: NamedOps, b?: NamedOps, c?: NamedOps, d?: NamedOps];

const WIDTH = 4;

/** How a struct is read, into an object of its own unless there is one already, and written. */
export interface Place {
  read(input: Input, values?: Values): Values;
  write(output: Output, values: Values): void;
}

type Places = readonly ((fields: Some, Plain: new () => Values) => Place)[];

/** How many places are taken. They go to the structs that are used first. */
let taken = 0;

/** How to read and write a struct of these fields, in places of its own while there are any left. */
export function placeOf(fields: readonly NamedOps[]): Place {
  const Plain = plain();
  const places: Place[] = [];
  const count = Math.ceil(fields.length / WIDTH);
  const own = taken + count < PLACES.length;
  for (let i = 0; i < count; i += 1) {
    if (own) taken += 1;
    const some = fields.slice(i * WIDTH, i * WIDTH + WIDTH) as unknown as Some;
    places.push(PLACES[own ? taken : 0]!(some, Plain));
  }
  if (count === 1) return places[0]!;
  return {
    read(input) {
      const values = new Plain();
      for (let i = 0; i < count; i += 1) places[i]!.read(input, values);
      return values;
    },
    write(output, values) {
      for (let i = 0; i < count; i += 1) places[i]!.write(output, values);
    },
  };
}

/** A constructor of plain objects, for one struct: by it V8 knows how many fields to make room for, and of what kind. */
function plain(): new () => Values {
  function Plain(): void {}
  Plain.prototype = Object.prototype;
  return Plain as unknown as new () => Values;
}

const PLACES: Places = [
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
  ([a, b, c, d], Plain) => ({
    read(input, values = new Plain()) {
      values[input.to(a.name)] = a.read(input);
      if (b) values[input.to(b.name)] = b.read(input);
      if (c) values[input.to(c.name)] = c.read(input);
      if (d) values[input.to(d.name)] = d.read(input);
      return values;
    },
    write(output, values) {
      a.write(output, values[output.to(a.name)]);
      if (b) b.write(output, values[output.to(b.name)]);
      if (c) c.write(output, values[output.to(c.name)]);
      if (d) d.write(output, values[output.to(d.name)]);
    },
  }),
];
