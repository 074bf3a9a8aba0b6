/** Watches Syncthing's devices on the LAN. */
import type { DeviceEvent, LanDevice, SyncthingDiscoverer } from "../../syncthing/index.ts";
import type { Style } from "../terminal/style.ts";
import type { Row, RowKind } from "../terminal/table.ts";
import { type Change, ChangeLines } from "./lines.ts";
import type { Watched } from "./watched.ts";

export const DEVICES: RowKind = {
  noun: "device",
  // Syncthing's short form of a device ID has 7 characters; one more for "…".
  leastId: 8,
  none: "None heard yet. Devices announce themselves every 30 s.",
};

/** A device may announce nothing that can be dialled, such as tcp4://0.0.0.0:22000 by IPv6. It is on the LAN all the same. */
const NO_ADDRESS = ["no usable address"];

export function watchedDevices(discoverer: SyncthingDiscoverer): Watched {
  return {
    kind: DEVICES,
    rows: () => discoverer.devices().map(deviceRow),
    onChange(listener) {
      discoverer.on("device", ({ deviceId }) => listener("new", deviceId));
      for (const type of ["moved", "gone"] as const) discoverer.on(type, ({ deviceId }) => listener(type, deviceId));
    },
    onError: (listener) => void discoverer.on("error", listener),
    lines: (json, style) => deviceEventLines(discoverer, json, style),
  };
}

export function deviceRow({ deviceId, addresses, seenAt }: LanDevice): Row {
  return { key: deviceId, id: deviceId, addresses: addressTexts(addresses), seenAt };
}

async function* deviceEventLines(discoverer: SyncthingDiscoverer, json: boolean, style: Style): AsyncGenerator<string> {
  const lines = new ChangeLines(style);
  for await (const event of discoverer.watch()) {
    yield json ? deviceEventJson(event) : lines.line(deviceChange(event), Date.now());
  }
}

export function deviceChange({ type, deviceId, addresses }: DeviceEvent): Change {
  return {
    type: type === "device" ? "new" : type,
    key: deviceId,
    id: deviceId,
    where: addressTexts(addresses).join(", "),
  };
}

function addressTexts(addresses: readonly string[]): readonly string[] {
  return addresses.length === 0 ? NO_ADDRESS : addresses;
}

export function deviceEventJson({ type, deviceId, addresses, seenAt }: DeviceEvent): string {
  return JSON.stringify({ type, deviceId, addresses, seenAt });
}
