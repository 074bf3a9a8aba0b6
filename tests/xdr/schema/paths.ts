/**
 * The two paths on which types run: code that is generated at first use, and the interpreter, where code must not be
 * generated.
 */
import { afterAll, beforeAll, describe } from "bun:test";
import { allowCodeGeneration, type XdrType } from "../../../src/xdr/index.ts";

export type Path = "generated" | "interpreted";
export const PATHS: readonly Path[] = ["generated", "interpreted"];

const EMPTY = new Uint8Array(0);

/** Creates a type that runs on this path. */
export function on<T extends XdrType<unknown>>(path: Path, make: () => T): T {
  allowCodeGeneration(path === "generated");
  try {
    const type = make();
    // The first use decides.
    type.tryDecode(EMPTY);
    type.validate(undefined);
    return type;
  } finally {
    allowCodeGeneration(true);
  }
}

/** The same type on both paths. */
export function onBoth<T>(make: () => XdrType<T>): XdrType<T>[] {
  return PATHS.map((path) => on(path, make));
}

/** Runs the tests once for each path. They must create the types that they use. */
export function describePaths(title: string, tests: (path: Path) => void): void {
  for (const path of PATHS) {
    describe(`${title} (${path})`, () => {
      beforeAll(() => allowCodeGeneration(path === "generated"));
      afterAll(() => allowCodeGeneration(true));
      tests(path);
    });
  }
}
