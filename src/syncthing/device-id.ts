/** Device IDs of Syncthing: the SHA-256 of a device's certificate, and its texts. */
import { createHash, X509Certificate } from "node:crypto";
import { describeValue } from "../xdr/describe-value.ts";

/** Bytes of a device ID. */
export const DEVICE_ID_BYTES = 32;

/** The alphabet of base32 (RFC 4648 §6). */
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** Digits that are no letters of base32, and the letters that people take them for. */
const LOOKALIKES: Readonly<Record<string, string>> = { 0: "O", 1: "I", 8: "B" };
/** Letters of 32 bytes in base32, without check characters. */
const PLAIN_LENGTH = 52;
/** A check character follows each group of so many letters. */
const GROUP = 13;
/** Letters with the four check characters. */
const CHECKED_LENGTH = 56;
/** A dash follows each part of so many letters. */
const PART = 7;

/**
 * The device ID of a certificate.
 *
 * @param certificate - in DER
 * @returns 32 bytes
 */
export function deviceIdOf(certificate: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(certificate).digest());
}

/**
 * The device ID of a certificate.
 *
 * @param certificate - in PEM; of several certificates the first counts
 * @returns 32 bytes
 * @throws {RangeError} if it is not a certificate
 * @example
 * ```ts
 * deviceIdOfPem("-----BEGIN PRIVATE KEY-----"); // throws RangeError
 * ```
 */
export function deviceIdOfPem(certificate: string): Uint8Array {
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch {
    throw new RangeError("it is not a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----");
  }
  return deviceIdOf(parsed.raw);
}

/**
 * Writes a device ID as Syncthing shows it: with check characters and dashes.
 *
 * @param id - 32 bytes
 * @returns 63 characters
 * @throws {RangeError} if `id` does not have 32 bytes
 * @example
 * ```ts
 * formatDeviceId(new Uint8Array(32)); // => "AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA"
 * ```
 */
export function formatDeviceId(id: Uint8Array): string {
  const plain = deviceNodeId(id);
  let checked = "";
  for (let at = 0; at < PLAIN_LENGTH; at += GROUP) {
    const group = plain.slice(at, at + GROUP);
    checked += group + checkCharacter(group);
  }
  return checked.replace(new RegExp(`.{${PART}}(?=.)`, "g"), "$&-");
}

/**
 * The NodeID that the same device has in the original protocol, from Syncthing 0.4.0 on: the hash in base32, without check
 * characters.
 *
 * @param id - 32 bytes
 * @returns 52 letters and digits
 * @throws {RangeError} if `id` does not have 32 bytes
 */
export function deviceNodeId(id: Uint8Array): string {
  if (!(id instanceof Uint8Array) || id.length !== DEVICE_ID_BYTES) {
    throw new RangeError(`a device ID must have ${DEVICE_ID_BYTES} bytes`);
  }
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of id) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += LETTERS[(value >>> (bits - 5)) & 31]!;
  }
  return text + LETTERS[(value << (5 - bits)) & 31]!;
}

/**
 * Reads a device ID as people write it: dashes and spaces do not count, nor does case, and 0, 1 and 8 are read as O, I and
 * B. It may lack the four check characters.
 *
 * @param text - 56 or 52 letters and digits
 * @returns 32 bytes
 * @throws {TypeError} if `text` is not a string
 * @throws {RangeError} if it is not a device ID; the message says which character is wrong
 * @example
 * ```ts
 * parseDeviceId("aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa-aaaaaaa").length; // => 32
 * parseDeviceId("AAAAAAA-AAAAAAA"); // throws RangeError
 * ```
 */
export function parseDeviceId(text: string): Uint8Array {
  if (typeof text !== "string") throw new TypeError(`a device ID must be a string, not ${describeValue(text)}`);
  const letters: string[] = [];
  /** Where each letter stands in `text`. */
  const places: number[] = [];
  for (const [place, character] of [...text].entries()) {
    if (character === "-" || character === " ") continue;
    const upper = character.toUpperCase();
    const letter = LOOKALIKES[upper] ?? upper;
    if (!LETTERS.includes(letter)) {
      throw new RangeError(
        `character ${place + 1} of a device ID must be A to Z or 2 to 7, not ${JSON.stringify(character)}`,
      );
    }
    letters.push(letter);
    places.push(place);
  }
  if (letters.length === CHECKED_LENGTH) return decode(checkedPlain(letters, places), places[CHECKED_LENGTH - 2]!);
  if (letters.length === PLAIN_LENGTH) return decode(letters.join(""), places[PLAIN_LENGTH - 1]!);
  throw new RangeError(
    `a device ID has ${CHECKED_LENGTH} letters and digits, or ${PLAIN_LENGTH} without check characters, not ${letters.length}`,
  );
}

/** Checks the check characters and leaves them out. */
function checkedPlain(letters: readonly string[], places: readonly number[]): string {
  let plain = "";
  for (let at = 0; at < CHECKED_LENGTH; at += GROUP + 1) {
    const group = letters.slice(at, at + GROUP).join("");
    const check = letters[at + GROUP]!;
    const right = checkCharacter(group);
    if (check !== right) {
      const [from, to] = [places[at]! + 1, places[at + GROUP]! + 1];
      throw new RangeError(
        `one of the characters ${from} to ${to} of the device ID is wrong: the last of them, a check character, would be ${right}, not ${check}`,
      );
    }
    plain += group;
  }
  return plain;
}

/** @param place - where the last letter stands in the text */
function decode(plain: string, place: number): Uint8Array {
  const id = new Uint8Array(DEVICE_ID_BYTES);
  let [at, bits, value] = [0, 0, 0];
  for (const letter of plain) {
    value = ((value << 5) | LETTERS.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    id[at++] = value >>> bits;
  }
  if ((value & ((1 << bits) - 1)) !== 0) {
    throw new RangeError(`character ${place + 1} of the device ID is wrong: no hash ends with ${plain.at(-1)}`);
  }
  return id;
}

/** Luhn's algorithm modulo 32, as Syncthing computes it: weights 1 and 2 in turn from the left. */
function checkCharacter(group: string): string {
  let sum = 0;
  let weight = 1;
  for (const letter of group) {
    const product = weight * LETTERS.indexOf(letter);
    sum += Math.floor(product / LETTERS.length) + (product % LETTERS.length);
    weight = 3 - weight;
  }
  return LETTERS[(LETTERS.length - (sum % LETTERS.length)) % LETTERS.length]!;
}
