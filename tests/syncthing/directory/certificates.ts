/** Certificates of clients, made with openssl. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { deviceIdOfPem, formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { Folder } from "../../support/folder.ts";

export const hasOpenssl = Bun.which("openssl") !== null && Bun.which("faketime") !== null;
export const NEEDS_OPENSSL = "needs openssl and faketime";

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
  const clock = madeAt === undefined ? [] : ["faketime", madeAt];
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
  const child = Bun.spawn([...clock, ...command, ...files], { stderr: "pipe" });
  const [messages, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(messages);
  const cert = readFileSync(folder.at("cert.pem"), "utf8");
  const der = new Uint8Array(new X509Certificate(cert).raw);
  return { cert, key: readFileSync(folder.at("key.pem"), "utf8"), der, device: formatDeviceId(deviceIdOfPem(cert)) };
}
