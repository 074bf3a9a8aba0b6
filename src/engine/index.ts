export { type CounterReading, EngineControl, type EngineCounters, VERDICTS, type Verdict } from "./control.ts";
export { type CursorMove, Exchange } from "./exchange-area.ts";
export { Lane } from "./lane.ts";
export { LIMITER_TABLES, type LimiterTable, type LimitKey, type LimitName, readTables } from "./limits.ts";
export { checkEngineOptions, createEngineMemory, type EngineMemory } from "./memory.ts";
export { NodeReader } from "./node-reader.ts";
export { defaultEngineOptions, type EngineOptions, type Limit, type Network } from "./options.ts";
export {
  createEngine,
  createTsEngine,
  createWasmEngine,
  type EngineBackend,
  type PacketEngine,
} from "./packet-engine.ts";
export { EngineRepair } from "./repair.ts";
export { SourceLimiter } from "./source-limiter.ts";
