/** Reads the table of devices while another thread writes it. */
import { DEVICE_RETENTION_MS } from "../../journal/device.ts";
import { T_SEQUENCE } from "./layout.ts";
import { DeviceView } from "./view.ts";

/** A device that the server knows. */
interface KnownDevice {
  /** Its valid addresses, at least one. */
  readonly addresses: readonly string[];
  /** Time of its last announcement, in ms of the server's clock. */
  readonly announcedAt: number;
}

/** How long to wait for the writer: a change takes microseconds, if its thread gets a processor. */
const PAUSES = 20;
const PAUSE_MS = 1;

export class DeviceReader {
  readonly #view: DeviceView;
  readonly #sequence: Int32Array;

  /** @param memory - created by `createDeviceMemory`, in this or another thread */
  constructor(memory: SharedArrayBuffer) {
    this.#view = new DeviceView(memory);
    this.#sequence = new Int32Array(memory, T_SEQUENCE, 1);
  }

  /**
   * @param id - 32 bytes
   * @returns undefined if no address of the device is valid at `now`; "busy" if the writer does not finish a change
   */
  read(id: Uint8Array, now: number): KnownDevice | "busy" | undefined {
    const hash = this.#view.hash(id);
    for (let pauses = 0; pauses < PAUSES; ) {
      const seen = Atomics.load(this.#sequence, 0);
      if ((seen & 1) !== 0) {
        pauses++;
        Atomics.wait(this.#sequence, 0, seen, PAUSE_MS);
        continue;
      }
      const slot = this.#view.find(id, hash);
      const length = slot === -1 ? 0 : this.#view.copyData(this.#view.u32[this.#view.slot(slot)]!);
      // An atomic addition keeps the reads above from moving behind it, on every processor.
      if (Atomics.add(this.#sequence, 0, 0) !== seen) continue;
      return slot === -1 ? undefined : this.#known(length, now);
    }
    return "busy";
  }

  #known(length: number, now: number): KnownDevice | undefined {
    const addresses = this.#view.addresses(length, now - DEVICE_RETENTION_MS);
    if (addresses.length === 0) return undefined;
    return {
      addresses: addresses.map(({ address }) => address),
      announcedAt: addresses.reduce((latest, { announcedAt }) => Math.max(latest, announcedAt), 0),
    };
  }
}
