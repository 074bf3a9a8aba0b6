/** The release build of the wasm engine with a call before each load and store, inserted by Binaryen. */
import { readFileSync } from "node:fs";
import binaryen from "assemblyscript/binaryen";
import type { EngineMemory } from "../../src/engine/index.ts";
import type { Stoppable } from "../support/stoppable-engine.ts";

let compiled: WebAssembly.Module | undefined;

/** Instruments build/engine.wasm itself, because the optimizer may have changed the order of stores. */
function instrumented(): WebAssembly.Module {
  const release = readFileSync(new URL("../../build/engine.wasm", import.meta.url));
  const module = binaryen.readBinary(release);
  module.setFeatures(binaryen.Features.All);
  module.runPasses(["instrument-memory"]);
  return new WebAssembly.Module(module.emitBinary() as Uint8Array<ArrayBuffer>);
}

export function stoppableWasm(memory: EngineMemory, lane: number, step: () => void): Stoppable {
  compiled ??= instrumented();
  const address = (_id: number, _bytes: number, _offset: number, at: number) => {
    step();
    return at;
  };
  const imports: Bun.WebAssembly.ModuleImports = { memory: memory as WebAssembly.Memory };
  for (const { name, kind } of WebAssembly.Module.imports(compiled)) {
    if (kind === "function") imports[name] = name.endsWith("_ptr") ? address : (_id: number, value: unknown) => value;
  }
  const engine = new WebAssembly.Instance(compiled, { env: imports }).exports as unknown as Stoppable & {
    attach(lane: number): void;
  };
  engine.attach(lane);
  return engine;
}
