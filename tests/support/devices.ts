import type { JournalDevice } from "../../src/journal/index.ts";
import type { Random } from "./random.ts";

/** A device whose ID consists of one byte. */
export function device(id: number, announcedAt: number, ...addresses: string[]): JournalDevice {
  const given = addresses.length === 0 ? [`tcp://192.0.2.${id & 0xff}:22000`] : addresses;
  return {
    id: new Uint8Array(32).fill(id),
    confirmed: true,
    addresses: given.map((address) => ({ address, announcedAt })),
  };
}

/** A device with up to 32 addresses, announced at `newest` or up to 1000 ms earlier. */
export function randomDevice(random: Random, newest: number): JournalDevice {
  const addresses = Array.from({ length: 1 + random.below(32) }, () => ({
    address: String.fromCharCode(...Array.from({ length: 1 + random.below(128) }, () => 0x20 + random.below(0x5f))),
    announcedAt: newest - random.below(8000) / 8,
  }));
  return { id: random.bytes(32), confirmed: random.once(2), addresses };
}

/** Device number `number`, of any number of them. */
export function numbered(number: number, announcedAt: number): JournalDevice {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, number);
  return { ...device(0, announcedAt, `tcp://192.0.2.1:${1 + (number % 65_535)}`), id };
}
