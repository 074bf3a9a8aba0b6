/**
 * Certificates for many devices, made in a moment: one certificate like Syncthing's (self-signed, P-384), of which each device has a
 * copy with another serial number. All share one key, so that each can do a TLS handshake. Only the first one's signature is right,
 * but no discovery server checks it: the hash of the certificate is the identity.
 */
import { generateKeyPairSync, sign } from "node:crypto";

/** Tags of DER (ITU-T X.690). */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const EXPLICIT_0 = 0xa0;

/** Identifiers of objects, with their tags. */
const COMMON_NAME = Buffer.from("0603550403", "hex");
const ECDSA_WITH_SHA384 = Buffer.from("06082a8648ce3d040303", "hex");

const SERIAL_BYTES = 8;
/** Characters of a line of base64 in PEM. */
const PEM_LINE = 64;

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >>> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), content]);
}

export class Certificates {
  /** The private key of all, in PEM. */
  readonly key: string;
  readonly #template: Buffer;
  readonly #serialAt: number;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    this.key = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const text = (tag: number, value: string) => der(tag, Buffer.from(value, "latin1"));
    const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, text(UTF8_STRING, "syncthing"))));
    const algorithm = der(SEQUENCE, ECDSA_WITH_SHA384);
    // A first byte other than 0, because DER has no leading zeros.
    const serial = Buffer.alloc(SERIAL_BYTES).fill(1, 0, 1);
    const body = der(
      SEQUENCE,
      der(EXPLICIT_0, der(INTEGER, Buffer.of(2))),
      der(INTEGER, serial),
      algorithm,
      name,
      der(SEQUENCE, text(UTC_TIME, "200101000000Z"), text(UTC_TIME, "491231235959Z")),
      name,
      publicKey.export({ type: "spki", format: "der" }),
    );
    const signature = sign("sha384", body, privateKey);
    this.#template = der(SEQUENCE, body, algorithm, der(BIT_STRING, Buffer.of(0), signature));
    this.#serialAt = this.#template.indexOf(serial);
  }

  /** The certificate of device `n`, in DER. */
  der(n: number): Buffer {
    const bytes = Buffer.from(this.#template);
    bytes.writeUInt32BE(n, this.#serialAt + SERIAL_BYTES - 4);
    return bytes;
  }

  /** The certificate of device `n`, in PEM. */
  pem(n: number): string {
    const lines = this.der(n)
      .toString("base64")
      .match(new RegExp(`.{1,${PEM_LINE}}`, "g"))!;
    return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  }
}
