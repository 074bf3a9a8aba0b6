/** Certificates of clients, made with openssl. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { deviceIdOf, deviceIdOfPem, formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { faketime, hasFaketime } from "../../support/faketime.ts";
import { Folder } from "../../support/folder.ts";

export const hasOpenssl = Bun.which("openssl") !== null && hasFaketime;
export const NEEDS_OPENSSL = "needs openssl and libfaketime";

export interface ClientCertificate {
  /** In PEM, as is `key`. */
  readonly cert: string;
  readonly key: string;
  readonly der: Uint8Array;
  /** As text. */
  readonly device: string;
}

const KEYS = {
  P384: ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
  P256: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
  Ed25519: ["ed25519"],
  RSA: ["rsa:2048"],
} as const;

interface CertificateOptions {
  readonly keyType?: keyof typeof KEYS;
  /** Default: now. */
  readonly madeAt?: string;
  readonly name?: string;
}

/** Makes a certificate that is valid for ten days. */
export async function makeCertificate(options: CertificateOptions = {}): Promise<ClientCertificate> {
  const { keyType = "P384", madeAt, name = "syncthing" } = options;
  using folder = new Folder();
  const clock = madeAt === undefined ? {} : { ...faketime(), FAKETIME: madeAt };
  const files = ["-keyout", folder.at("key.pem"), "-out", folder.at("cert.pem")];
  const command = [
    "openssl",
    "req",
    "-x509",
    "-nodes",
    "-days",
    "10",
    "-subj",
    `/CN=${name}`,
    "-newkey",
    ...KEYS[keyType],
  ];
  const child = Bun.spawn([...command, ...files], { env: { ...Bun.env, ...clock }, stderr: "pipe" });
  const [messages, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(messages);
  const cert = readFileSync(folder.at("cert.pem"), "utf8");
  const der = new Uint8Array(new X509Certificate(cert).raw);
  return { cert, key: readFileSync(folder.at("key.pem"), "utf8"), der, device: formatDeviceId(deviceIdOfPem(cert)) };
}

/** Bytes that look like a certificate from outside, for a server that only hashes it. */
export function madeUpCertificate(seed: string): ClientCertificate {
  const content = Buffer.alloc(400, seed);
  const der = Buffer.concat([Buffer.from([0x30, 0x82, content.length >> 8, content.length & 0xff]), content]);
  const base64 = der.toString("base64").match(/.{1,64}/g)!;
  const cert = `-----BEGIN CERTIFICATE-----\n${base64.join("\n")}\n-----END CERTIFICATE-----\n`;
  return { cert, key: "", der, device: formatDeviceId(deviceIdOf(der)) };
}

type Encode = (certificate: ClientCertificate) => Record<string, string>;

/** A proxy that passes a client's certificate on. */
export const CADDY_HEADER = "X-Tls-Client-Cert-Der-Base64";
export const caddy: Encode = ({ der }) => ({ [CADDY_HEADER]: Buffer.from(der).toString("base64") });

/** How proxies pass a client's certificate on. */
export const PROXIES: [name: string, encode: Encode][] = [
  ["nginx, escaped", ({ cert }) => ({ "X-SSL-Cert": encodeURIComponent(cert) })],
  ["nginx, folded to one line", ({ cert }) => ({ "X-SSL-Cert": cert.trim().replaceAll("\n", " ") })],
  ["Caddy", caddy],
  ["Traefik", ({ cert }) => ({ "X-Forwarded-Tls-Client-Cert": encodeURIComponent(withoutMarks(cert)) })],
];

/** Base64 on one line. */
export function withoutMarks(pem: string): string {
  return pem.replace(/-----(BEGIN|END) CERTIFICATE-----|\n/g, "");
}
