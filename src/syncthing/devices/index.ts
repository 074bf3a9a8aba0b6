export { createDeviceMemory } from "./layout.ts";
export { DeviceReader, type KnownDevice } from "./reader.ts";
export { DeviceTable, type Merged, type StoredDevice } from "./table.ts";
