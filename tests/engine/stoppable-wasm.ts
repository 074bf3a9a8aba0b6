/** The release build of the wasm engine with a call before each load and store, inserted by Binaryen. */
import { readFileSync } from "node:fs";
import binaryen from "assemblyscript/binaryen";
import { type StoppableMaker, stoppableModule } from "../support/stoppable-engine.ts";

let compiled: WebAssembly.Module | undefined;

/** Instruments build/engine.wasm itself, because the optimizer may have changed the order of stores. */
export function instrumented(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const release = readFileSync(new URL("../../build/engine.wasm", import.meta.url));
  const module = binaryen.readBinary(release);
  module.setFeatures(binaryen.Features.All);
  module.runPasses(["instrument-memory"]);
  compiled = new WebAssembly.Module(module.emitBinary() as Uint8Array<ArrayBuffer>);
  return compiled;
}

export const stoppableWasm: StoppableMaker = (memory, lane, step) =>
  stoppableModule(instrumented(), memory, lane, step);
