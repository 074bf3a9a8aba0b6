import { nearestName } from "../keys.ts";
import type { Diagnostics } from "./error.ts";
import type { Position } from "./schema.ts";
import type { BodySyntax, NameSyntax, ValueSyntax } from "./syntax.ts";

/** What a name stands for. */
export type Entry = TypeEntry | ConstantEntry;

interface TypeEntry {
  readonly kind: "type";
  /** Qualified. */
  readonly name: string;
  readonly position: Position;
  /** `undefined` for a typedef. */
  readonly body: BodySyntax["kind"] | undefined;
}

/** A constant or a member of an enum. */
export interface ConstantEntry {
  readonly kind: "constant";
  readonly name: string;
  readonly namespace: string;
  readonly position: Position;
  /** What it equals. Without this it is one more than `previous`, or 0. */
  readonly value: ValueSyntax | undefined;
  /** The member before it. */
  readonly previous?: ConstantEntry | undefined;
}

/** RFC 4506 §4.4 */
const BOOLS = { FALSE: 0n, TRUE: 1n };
/** For so many problems the nearest name is looked for: this takes as long as the schema has names. */
const MAX_SUGGESTIONS = 10;

/** All names of a schema. Types, constants and enum members share one space of names (RFC 4506 §6.4, note 3). */
export class Names {
  readonly #entries = new Map<string, Entry>();
  /** Constants from outside of the schema. A definition in it hides them. */
  readonly #outer: ReadonlyMap<string, bigint>;
  readonly #diagnostics: Diagnostics;
  /** The values that are known. `undefined` for a constant that is wrong, which has been reported. */
  readonly #values = new Map<ConstantEntry, bigint | undefined>();
  #suggestions = 0;

  constructor(outer: Iterable<readonly [string, bigint]>, diagnostics: Diagnostics) {
    this.#outer = new Map([...Object.entries(BOOLS), ...outer]);
    this.#diagnostics = diagnostics;
  }

  /** Adds a name, unless it is taken. Returns what already has it. */
  add(qualified: string, entry: Entry): Entry | undefined {
    const existing = this.#entries.get(qualified);
    if (existing === undefined) this.#entries.set(qualified, entry);
    return existing;
  }

  /** Looks a name up in a namespace and in those around it. */
  find(name: string, namespace: string): Entry | undefined {
    let scope = namespace;
    for (;;) {
      const entry = this.#entries.get(qualify(scope, name));
      if (entry !== undefined || scope === "") return entry;
      scope = scope.slice(0, Math.max(0, scope.lastIndexOf("::")));
    }
  }

  /** The value of a number or of a constant's name. Reports it, and returns `undefined`, if there is none. */
  valueOf(syntax: ValueSyntax, namespace: string): bigint | undefined {
    if (syntax.kind === "number") return syntax.value;
    const found = this.#constant(syntax, namespace);
    return typeof found === "object" ? this.valueOfConstant(found) : found;
  }

  /** The value of a constant, which others may define. */
  valueOfConstant(constant: ConstantEntry): bigint | undefined {
    // A loop, because a chain of constants may be longer than the call stack.
    const chain = new Set<ConstantEntry>();
    let next: ConstantEntry | bigint | undefined = constant;
    while (typeof next === "object" && !this.#values.has(next)) {
      if (chain.has(next)) {
        this.#diagnostics.report(next.position, `${next.name} is defined by itself`);
        next = undefined;
        break;
      }
      chain.add(next);
      next = this.#origin(next);
    }
    let value: bigint | undefined = typeof next === "object" ? this.#values.get(next) : next;
    for (const link of [...chain].reverse()) {
      if (value !== undefined && link.value === undefined && link.previous) value += 1n;
      this.#values.set(link, value);
    }
    return value;
  }

  #origin({ value, previous, namespace }: ConstantEntry): ConstantEntry | bigint | undefined {
    if (value === undefined) return previous ?? 0n;
    return value.kind === "number" ? value.value : this.#constant(value, namespace);
  }

  #constant({ name, position }: NameSyntax, namespace: string): ConstantEntry | bigint | undefined {
    const entry = this.find(name, namespace);
    if (entry?.kind === "constant") return entry;
    const outer = this.#outer.get(name);
    if (entry === undefined && outer !== undefined) return outer;
    this.reportWrong(name, "constant", entry, position);
    return undefined;
  }

  /** Reports that a name does not stand for what is needed. */
  reportWrong(name: string, needed: Entry["kind"], found: Entry | undefined, at: Position): void {
    const reason = found
      ? `${name} is a ${found.kind}, not a ${needed}`
      : `there is no ${needed} ${name}${this.#suggestion(name, needed)}`;
    this.#diagnostics.report(at, reason);
  }

  #suggestion(name: string, kind: Entry["kind"]): string {
    this.#suggestions += 1;
    if (this.#suggestions > MAX_SUGGESTIONS) return "";
    const known = [...this.#entries.values()].filter((entry) => entry.kind === kind).map((entry) => entry.name);
    const nearest = nearestName(name, known);
    return nearest === undefined ? "" : `: did you mean ${nearest}?`;
  }
}

export function qualify(namespace: string, name: string): string {
  return namespace === "" ? name : `${namespace}::${name}`;
}
