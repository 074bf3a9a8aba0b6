export { createDeviceMemory } from "./layout.ts";
export { DeviceReader } from "./reader.ts";
export { DeviceTable, type Merged, type StoredDevice } from "./table.ts";
