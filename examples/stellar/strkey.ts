/** The text form of account addresses (SEP-23): a version byte, the data and a checksum, in base32. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The version bytes. They make the first letter of the text. */
const VERSIONS = { G: 6 << 3, M: 12 << 3 };
type Letter = keyof typeof VERSIONS;

/** The length of the data: a key, and for a muxed account an ID of 8 bytes. */
const LENGTHS: { readonly [letter in Letter]: number } = { G: 32, M: 40 };

export function encodeStrkey(letter: Letter, data: Uint8Array): string {
  const bytes = Uint8Array.of(VERSIONS[letter], ...data);
  return encodeBase32(Uint8Array.of(...bytes, ...checksum(bytes)));
}

/** Returns the data of an address. Throws an Error if the text is not an address, or mistyped. */
export function decodeStrkey(letter: Letter, text: string): Uint8Array {
  const bytes = decodeBase32(text);
  const end = 1 + LENGTHS[letter];
  // A text whose last character has other unused bits gives the same bytes, but is not the address.
  const isRight =
    bytes?.length === end + 2 &&
    bytes[0] === VERSIONS[letter] &&
    checksum(bytes.subarray(0, end)).every((byte, i) => byte === bytes[end + i]) &&
    encodeBase32(bytes) === text;
  if (!isRight) throw new Error(`not an address that begins with ${letter}: ${text}`);
  return bytes.subarray(1, end);
}

/** CRC-16 (XMODEM), the low byte first. */
function checksum(bytes: Uint8Array): [number, number] {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return [crc & 0xff, crc >> 8];
}

function encodeBase32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.replaceAll(/.{1,5}/g, (five) => ALPHABET[Number.parseInt(five.padEnd(5, "0"), 2)]!);
}

/** Returns `undefined` for other characters. Bits after the last whole byte are dropped. */
function decodeBase32(text: string): Uint8Array | undefined {
  if (!/^[A-Z2-7]*$/.test(text)) return undefined;
  const bits = Array.from(text, (letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => Number.parseInt(eight, 2));
}
