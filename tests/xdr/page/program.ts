/**
 * Runs in a page of a browser. Uses types of every kind, often enough that they would generate code, and leaves in `report` what
 * it has seen. The query says whether code may be generated: `?generate=false`.
 */
import {
  allowCodeGeneration,
  array,
  bool,
  enumType,
  hyper,
  lazy,
  list,
  nested,
  opaque,
  optional,
  refine,
  string,
  struct,
  transform,
  uint,
  union,
  voidType,
  type XdrType,
} from "../../../src/xdr/index.ts";

export interface Report {
  /** How often the page's policy was violated. */
  readonly violations: number;
  /** How many functions were made of source, and how many times that was tried. */
  readonly generated: number;
  readonly attempts: number;
  /** What went wrong. */
  readonly problems: string[];
  /** How deep each type of {@link deep} was read and written without an overflow of the stack. */
  readonly depths: { [name: string]: number };
}

const page = globalThis as unknown as {
  readonly document: EventTarget;
  readonly location: { readonly search: string };
};
let violations = 0;
let generated = 0;
let attempts = 0;
page.document.addEventListener("securitypolicyviolation", () => {
  violations += 1;
});
globalThis.Function = new Proxy(Function, {
  construct(target, source) {
    attempts += 1;
    const made = Reflect.construct(target, source);
    generated += 1;
    return made;
  },
});

const Kind = enumType({ TEXT: 0, DATA: 1 });
const Tree: XdrType<Tree> = struct({
  name: string(9),
  children: array(
    lazy(() => Tree),
    9,
  ),
});
interface Tree {
  name: string;
  children: Tree[];
}
const Everything = struct({
  body: union("kind", Kind, { 0: voidType, 1: { creator: string(255) } }),
  tree: Tree,
  sizes: list(
    refine(uint, (n) => n < 9, "too large"),
    9,
  ),
  data: nested(opaque(99), struct({ key: opaque(9), on: bool })),
  next: optional(transform(hyper, { decode: String, encode: BigInt })),
});
const VALUE = {
  body: { kind: 1, creator: "me" },
  tree: { name: "a", children: [{ name: "b", children: [] }] },
  sizes: [1, 2],
  data: { key: Uint8Array.of(1), on: true },
  next: "7",
} as const;
/** Types that contain themselves through each kind that counts as a level, with others in between. */
function deep(): { [name: string]: [type: XdrType<unknown>, nest: (inner: unknown) => unknown, last: unknown] } {
  const self: XdrType<never> = lazy(() => Optional) as never;
  const Optional: XdrType<unknown> = struct({ a: struct({ b: optional(self) }) });
  const Arrays: XdrType<unknown> = struct({
    a: refine(
      array(
        lazy(() => Arrays),
        9,
      ),
      () => true,
      "",
    ),
  });
  const Lists: XdrType<unknown> = struct({
    a: transform(
      list(
        lazy(() => Lists),
        9,
      ),
      { decode: (v) => v, encode: (v: unknown[]) => v },
    ),
  });
  const Unions: XdrType<unknown> = union("on", bool, {
    true: { a: struct({ b: lazy(() => Unions) }) },
    false: voidType,
  });
  const Nested: XdrType<unknown> = struct({ a: nested(opaque(1e6), optional(lazy(() => Nested) as XdrType<never>)) });
  return {
    optional: [Optional, (inner) => ({ a: { b: inner } }), { a: { b: null } }],
    array: [Arrays, (inner) => ({ a: [inner] }), { a: [] }],
    list: [Lists, (inner) => ({ a: [inner] }), { a: [] }],
    union: [Unions, (inner) => ({ on: true, a: { b: inner } }), { on: false }],
    nested: [Nested, (inner) => ({ a: inner }), { a: null }],
  };
}

function run(): { problems: string[]; depths: { [name: string]: number } } {
  const problems: string[] = [];
  const depths: { [name: string]: number } = {};
  const expected = JSON.stringify(VALUE);
  let bytes = Everything.encode(VALUE as never);
  for (let i = 0; i < 110; i += 1) {
    const again = Everything.encode(VALUE as never);
    if (again.join() !== bytes.join()) problems.push(`other bytes at ${i}`);
    bytes = again;
    const text = JSON.stringify(Everything.decode(bytes));
    if (text !== expected) problems.push(`${text} at ${i}`);
    const refusal = Everything.tryDecode(bytes.subarray(0, bytes.length - 4));
    if (refusal.ok || refusal.path !== "next" || refusal.needs !== 4) problems.push(JSON.stringify(refusal));
  }
  for (const [name, [type, nest, last]] of Object.entries(deep())) {
    let value = last;
    for (let i = 1; i < 500; i += 1) value = nest(value);
    try {
      for (let i = 0; i < 110; i += 1) type.decode(type.encode(last));
      type.decode(type.encode(value));
      depths[name] = 500;
      const encoded = type.encode(nest(nest(value)), { maxDepth: 1000 });
      const result = type.tryDecode(encoded);
      if (result.ok || result.code !== "too-deep") problems.push(`${name}: ${JSON.stringify(result).slice(0, 99)}`);
    } catch (error) {
      problems.push(`${name}: ${error}`);
    }
  }
  return { problems, depths };
}

async function examine(): Promise<Report> {
  if (page.location.search.includes("generate=false")) allowCodeGeneration(false);
  const result = run();
  // A violation is reported after the script that caused it.
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { violations, generated, attempts, ...result };
}

Object.assign(globalThis, { report: examine() });
