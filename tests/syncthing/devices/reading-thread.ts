/** A thread that reads devices while another one changes them. */
import { DeviceReader } from "../../../src/syncthing/devices/index.ts";

export interface ReadingStart {
  readonly memory: SharedArrayBuffer;
  readonly ids: readonly Uint8Array[];
  /** Word 0: the writer has finished. Word 1: this thread reads. */
  readonly progress: Int32Array;
}

export interface ReadingResult {
  readonly found: number;
  /** Devices whose addresses were not all of one announcement. */
  readonly mixed: number;
  /** Different announcements that were seen. */
  readonly versions: number;
}

declare const self: Worker;

self.onmessage = ({ data: { memory, ids, progress } }: MessageEvent<ReadingStart>) => {
  const reader = new DeviceReader(memory);
  const versions = new Set<string>();
  let [found, mixed] = [0, 0];
  while (Atomics.load(progress, 0) === 0) {
    for (const id of ids) {
      // All that is stored is valid at this time.
      const device = reader.read(id, 0);
      if (device === undefined || device === "busy") continue;
      found++;
      const [first] = device.addresses;
      const [, version, count] = /v=(\d+)&n=(\d+)&/.exec(first!)!;
      const whole = device.addresses.every((address) => address.includes(`v=${version}&`));
      if (!whole || device.addresses.length !== Number(count)) mixed++;
      versions.add(version!);
    }
    Atomics.store(progress, 1, 1);
  }
  self.postMessage({ found, mixed, versions: versions.size } satisfies ReadingResult);
};
