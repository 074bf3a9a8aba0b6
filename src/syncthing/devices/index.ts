export { createDeviceMemory } from "./layout.ts";
export { DeviceReader, type KnownDevice } from "./reader.ts";
export { DeviceTable, type Merged } from "./table.ts";
