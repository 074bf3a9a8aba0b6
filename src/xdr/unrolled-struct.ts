// Code that reads and writes the fields of a struct. It has no loop over the fields, and exists in 24 identical copies.
//
// Why the copies: JavaScript engines optimize each place in the source by what has run there. An inline cache belongs
// to one call site or property access: it remembers the functions and object shapes seen at that site, and is fast
// while there are few of them. A single loop over the fields of every struct would see all of them, and stay slow. With
// a copy per struct, each call site sees one field of one struct only. That makes an object of eight fields thirteen
// times as fast in V8, and three times as fast in JavaScriptCore.
//
// Why not `new Function`: a strict Content-Security-Policy forbids code that is generated at run time.
//
// The copies are also why this file is over 400 lines. tests/xdr/reader.test.ts checks that they are identical.

import type { Input } from "./input.ts";
import type { Ops } from "./ops.ts";
import type { Output } from "./output.ts";

/** A struct value whose type only the caller knows. */
export type Values = { [name: string]: unknown };

/** A field: its name, and how it is read and written. */
export type NamedOps = Ops<unknown> & { readonly name: string };

/** The fields that one copy handles. A longer struct uses several copies. */
type FieldGroup = readonly [a: NamedOps, b?: NamedOps, c?: NamedOps, d?: NamedOps];

const GROUP_SIZE = 4;

export interface UnrolledStruct {
  /** Reads the fields into `values`, or into a new object. */
  read(input: Input, values?: Values): Values;
  write(output: Output, values: Values): void;
}

type Copy = (fields: FieldGroup, Plain: new () => Values) => UnrolledStruct;

/** How many of {@link COPIES} were given to structs. Structs that are used first get them. */
let used = 0;

/**
 * Code for a struct of these fields, in copies that no other struct uses. If too few copies are left, the struct uses
 * the first copy, which is reserved for sharing.
 */
export function unrolledStruct(fields: readonly NamedOps[]): UnrolledStruct {
  const Plain = plainConstructor();
  const groups: UnrolledStruct[] = [];
  const count = Math.ceil(fields.length / GROUP_SIZE);
  const enough = used + count < COPIES.length;
  for (let i = 0; i < count; i += 1) {
    if (enough) used += 1;
    const group = fields.slice(i * GROUP_SIZE, i * GROUP_SIZE + GROUP_SIZE) as unknown as FieldGroup;
    groups.push(COPIES[enough ? used : 0]!(group, Plain));
  }
  if (count === 1) return groups[0]!;
  return {
    read(input) {
      const values = new Plain();
      for (let i = 0; i < count; i += 1) groups[i]!.read(input, values);
      return values;
    },
    write(output, values) {
      for (let i = 0; i < count; i += 1) groups[i]!.write(output, values);
    },
  };
}

/**
 * Makes a constructor of plain objects, one for each struct. V8 learns per constructor how many fields its objects have,
 * and of which types.
 */
function plainConstructor(): new () => Values {
  function Plain(): void {}
  Plain.prototype = Object.prototype;
  return Plain as unknown as new () => Values;
}

const COPIES: readonly Copy[] = [
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
