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

/** The bytes of a device ID. */
const ID_BYTES = 32;

/** Why a journal cannot keep a device; undefined if it can. */
export function deviceProblem({ id, addresses }: JournalDevice): string | undefined {
  if (id.length !== ID_BYTES) return `a device ID has ${ID_BYTES} bytes, not ${id.length}`;
  if (addresses.length === 0 || addresses.length > MAX_DEVICE_ADDRESSES) {
    return `a device has 1 to ${MAX_DEVICE_ADDRESSES} addresses, not ${addresses.length}`;
  }
  let total = 0;
  for (const { address, announcedAt } of addresses) {
    if (address.length === 0 || address.length > MAX_DEVICE_ADDRESS_LENGTH) {
      return `an address has 1 to ${MAX_DEVICE_ADDRESS_LENGTH} characters, not ${address.length}`;
    }
    if (!/^[ -~]+$/.test(address)) return "an address must be printable ASCII";
    if (!Number.isFinite(announcedAt)) return "an address needs the time of its announcement";
    total += address.length;
  }
  if (total <= MAX_DEVICE_BYTES) return undefined;
  return `the addresses of a device have up to ${MAX_DEVICE_BYTES} characters together, not ${total}`;
}

/**
 * The addresses of both lists, each with the later of its times: the latest first, and those of one time in the order of
 * their list. Those announced longest ago are left out if there are too many.
 */
export function unionOf(before: readonly DeviceAddress[], given: readonly DeviceAddress[]): DeviceAddress[] {
  const times = new Map<string, number>();
  // The sort below is stable: at equal times, given addresses stay before known ones.
  for (const { address, announcedAt } of [...given, ...before]) {
    times.set(address, Math.max(announcedAt, times.get(address) ?? announcedAt));
  }
  const all = [...times].map(([address, announcedAt]) => ({ address, announcedAt }));
  all.sort((one, other) => other.announcedAt - one.announcedAt);
  let bytes = 0;
  let count = 0;
  for (const { address } of all) {
    bytes += address.length;
    if (count === MAX_DEVICE_ADDRESSES || bytes > MAX_DEVICE_BYTES) break;
    count++;
  }
  return all.slice(0, count);
}
