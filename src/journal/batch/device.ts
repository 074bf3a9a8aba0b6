/** Devices in a batch, as format.ts describes them. */
import {
  type DeviceAddress,
  type JournalDevice,
  MAX_DEVICE_ADDRESS_LENGTH,
  MAX_DEVICE_ADDRESSES,
  MAX_DEVICE_BYTES,
} from "../device.ts";
import {
  ADDRESS_WORDS,
  BatchError,
  DEVICE_CONFIRMED,
  DEVICE_WORDS,
  f64,
  f64Words,
  MIN_DEVICE_WORDS,
  timeAt,
} from "./format.ts";

/** Returns where the device at word `at` ends. @throws {BatchError} if it is invalid or does not end within `words` */
export function endOfDevice(words: Int32Array, at: number): number {
  const tooShort = "it is shorter than its devices";
  if (words.length - at < MIN_DEVICE_WORDS) throw new BatchError(tooShort);
  const count = (words[at]! & ~DEVICE_CONFIRMED) >>> 0;
  if (count === 0 || count > MAX_DEVICE_ADDRESSES) throw new BatchError(`it has a device with ${count} addresses`);
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  let total = 0;
  let address = at + DEVICE_WORDS;
  for (let left = count; left > 0; left--) {
    if (words.length - address < ADDRESS_WORDS) throw new BatchError(tooShort);
    if (!Number.isFinite(timeAt(words, address))) throw new BatchError("it has an address without a time");
    const length = words[address + 2]! >>> 0;
    if (length === 0 || length > MAX_DEVICE_ADDRESS_LENGTH) {
      throw new BatchError(`it has an address of ${length} bytes`);
    }
    const text = (address + ADDRESS_WORDS) * 4;
    if (text + length > bytes.length) throw new BatchError(tooShort);
    for (let byte = text; byte < text + length; byte++) {
      if (bytes[byte]! < 0x20 || bytes[byte]! > 0x7e) {
        throw new BatchError("it has an address that is not printable ASCII");
      }
    }
    total += length;
    address = endOfAddress(words, address);
  }
  if (total > MAX_DEVICE_BYTES) throw new BatchError(`it has a device with ${total} bytes of addresses`);
  return address;
}

function endOfAddress(words: Int32Array, at: number): number {
  return at + ADDRESS_WORDS + ((words[at + 2]! + 3) >>> 2);
}

/** The time of the latest address of the device at word `at`. */
export function deviceTimeAt(words: Int32Array, at: number): number {
  let latest = Number.NEGATIVE_INFINITY;
  let address = at + DEVICE_WORDS;
  for (let left = words[at]! & ~DEVICE_CONFIRMED; left > 0; left--) {
    latest = Math.max(latest, timeAt(words, address));
    address = endOfAddress(words, address);
  }
  return latest;
}

/** Reads the device at word `at`, which must be valid, and adds `shift` to its times. */
export function readDevice(words: Int32Array, at: number, shift: number): JournalDevice {
  const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
  const addresses: DeviceAddress[] = [];
  let address = at + DEVICE_WORDS;
  for (let left = words[at]! & ~DEVICE_CONFIRMED; left > 0; left--) {
    const text = (address + ADDRESS_WORDS) * 4;
    addresses.push({
      address: bytes.toString("latin1", text, text + words[address + 2]!),
      announcedAt: timeAt(words, address) + shift,
    });
    address = endOfAddress(words, address);
  }
  return {
    id: new Uint8Array(bytes.subarray((at + 1) * 4, (at + DEVICE_WORDS) * 4)),
    confirmed: (words[at]! & DEVICE_CONFIRMED) !== 0,
    addresses,
  };
}

/** Writes a device to word `at`, with `shift` added to its times. Returns where it ends. */
export function writeDevice(device: JournalDevice, words: Int32Array, at: number, shift: number): number {
  const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
  words[at] = device.addresses.length | (device.confirmed ? DEVICE_CONFIRMED : 0);
  bytes.set(device.id, (at + 1) * 4);
  let to = at + DEVICE_WORDS;
  for (const { address, announcedAt } of device.addresses) {
    f64[0] = announcedAt + shift;
    words[to] = f64Words[0]!;
    words[to + 1] = f64Words[1]!;
    words[to + 2] = address.length;
    const end = endOfAddress(words, to);
    words[end - 1] = 0;
    bytes.write(address, (to + ADDRESS_WORDS) * 4, "latin1");
    to = end;
  }
  return to;
}
