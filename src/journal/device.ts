/** A device of Syncthing that announced itself over HTTPS, as a journal keeps it. */

/** How long an address of a device is valid after its announcement, in ms: Syncthing's 2 hours. */
export const DEVICE_RETENTION_MS = 7_200_000;
/** The most addresses of a device that are kept. */
export const MAX_DEVICE_ADDRESSES = 32;
/** The longest address of a device, in bytes. Relays have the longest ones, of some 250. */
export const MAX_DEVICE_ADDRESS_LENGTH = 1024;
/** The most bytes that all addresses of a device may have together. */
export const MAX_DEVICE_BYTES = 4096;

export interface JournalDevice {
  /** 32 bytes: the SHA-256 of its certificate. */
  readonly id: Uint8Array;
  /** Whether it was announced at least twice: a full table keeps such devices. */
  readonly confirmed: boolean;
  /** Without doubles, at least one. */
  readonly addresses: readonly DeviceAddress[];
}

/** An address of a device, as it announced it. */
export interface DeviceAddress {
  /** A URL in printable ASCII, such as `tcp://192.0.2.7:22000`. */
  readonly address: string;
  /** Time of its last announcement, in ms. In a journal: since 1970. */
  readonly announcedAt: number;
}
