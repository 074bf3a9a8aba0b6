/** Watches Syncthing's devices on the LAN. */
import type { DeviceEvent, SyncthingDiscoverer } from "../../syncthing/index.ts";
import type { Style } from "../terminal/style.ts";
import type { RowKind } from "../terminal/table.ts";
import { type Change, ChangeLines } from "./lines.ts";
import type { Watched } from "./watched.ts";

export const DEVICES: RowKind = {
  noun: "device",
  // Syncthing's short form of a device ID has 7 characters; one more for "…".
  leastId: 8,
  none: "None heard yet. Devices announce themselves every 30 s.",
};

export function watchedDevices(discoverer: SyncthingDiscoverer): Watched {
  return {
    kind: DEVICES,
    rows: () =>
      discoverer
        .devices()
        .map(({ deviceId, addresses, seenAt }) => ({ key: deviceId, id: deviceId, addresses, seenAt })),
    onChange(listener) {
      discoverer.on("device", ({ deviceId }) => listener("new", deviceId));
      for (const type of ["moved", "gone"] as const) discoverer.on(type, ({ deviceId }) => listener(type, deviceId));
    },
    onError: (listener) => void discoverer.on("error", listener),
    lines: (json, style) => deviceEventLines(discoverer, json, style),
  };
}

async function* deviceEventLines(discoverer: SyncthingDiscoverer, json: boolean, style: Style): AsyncGenerator<string> {
  const lines = new ChangeLines(style);
  for await (const event of discoverer.watch()) {
    yield json ? deviceEventJson(event) : lines.line(deviceChange(event), Date.now());
  }
}

export function deviceChange({ type, deviceId, addresses }: DeviceEvent): Change {
  return { type: type === "device" ? "new" : type, key: deviceId, id: deviceId, where: addresses.join(", ") };
}

export function deviceEventJson({ type, deviceId, addresses, seenAt }: DeviceEvent): string {
  return JSON.stringify({ type, deviceId, addresses, seenAt });
}
