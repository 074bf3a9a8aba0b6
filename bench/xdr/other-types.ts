/**
 * 60 types that a program may use beside those that are measured. Engines specialize code for the types that they have
 * seen, so a library can be fast for the first types that a program uses, and slow for the rest.
 */
import { jsXdrOf } from "./parsed/js-xdr.ts";
import { oursOf } from "./parsed/ours.ts";
import { schemaOf } from "./parsed/schemas.ts";

/** Structs, and as many unions and arrays: each has fields of other names. */
const STRUCTS = 20;

/** The contestant whose types were made and used before all others. */
export const BEFORE = "made before others";

const SOURCE = Array.from(
  { length: STRUCTS },
  (_, n) => `
    struct s${n} { int a${n}; unsigned hyper b${n}; string c${n}<9>; };
    union u${n} switch (int t${n}) { case 0: s${n} d${n}; case ${n + 1}: void; };
    typedef u${n} l${n}<9>;`,
).join("");

/**
 * Decodes and encodes values of 60 types, by this project's functions and by js-xdr.
 *
 * @param uses - how often each type is used
 */
export function useOtherTypes(uses: number): void {
  const schema = schemaOf(SOURCE);
  const libraries = [oursOf(schema), jsXdrOf(schema)];
  for (let n = 0; n < STRUCTS; n += 1) {
    const struct = { [`a${n}`]: n, [`b${n}`]: BigInt(n), [`c${n}`]: Uint8Array.of(n) };
    const union = { [`t${n}`]: 0, [`d${n}`]: struct };
    const list = [union, { [`t${n}`]: n + 1 }];
    for (const types of libraries) {
      const values = { s: struct, u: union, l: list };
      for (const [name, value] of Object.entries(values)) {
        const type = types.get(`${name}${n}`)!;
        for (let use = 0; use < uses; use += 1) type.decode(type.encode(value));
      }
    }
  }
}
