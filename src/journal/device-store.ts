import type { JournalDevice } from "./device.ts";

/**
 * The devices that a server knows, as its journal uses them. All times are by the registry's clock. A device of which all
 * addresses have expired counts as unknown, even if it still counts in `size`.
 */
export interface DeviceStore {
  readonly size: number;
  /** Devices of the journal that were dropped because the store was full. */
  readonly noRoom: number;
  /** Devices that gave way to others because the store was full. */
  readonly displaced: number;
  /**
   * Adds addresses to those that are known of a device; of the same address, the later announcement counts. Drops
   * addresses that were announced DEVICE_RETENTION_MS ago.
   *
   * @param fromJournal - false if the device announced itself to this server
   */
  merge(device: JournalDevice, fromJournal: boolean): void;
  /** Takes up to `most` devices that were announced to this server and are not in the journal yet, the oldest first. */
  takeChanged(most: number): JournalDevice[];
  /** The journal could not store devices that were taken: lists them again. */
  restoreChanged(devices: readonly JournalDevice[]): void;
  /** The journal lost its contents: lists all devices again that were announced to this server. */
  markAllChanged(): void;
  /**
   * All devices, those of other servers included. The store may change meanwhile: a device that stays in it comes at
   * least once, and the iteration ends even if devices announce themselves all the time.
   */
  all(): Iterable<JournalDevice>;
}
