/** The certificate and the key of a server: loaded from files, or made. */
import { createPrivateKey, type KeyObject, randomUUID, X509Certificate } from "node:crypto";
import { link, mkdir, readFile, stat, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createSecureContext } from "node:tls";
import { deviceIdOf } from "../device-id.ts";

export interface KeyPair {
  /** In PEM, with the certificates of its issuers if the file has any. */
  readonly cert: string;
  /** In PEM. */
  readonly key: string;
  /** 32 bytes: the device ID of the certificate, by which clients can pin the server. */
  readonly deviceId: Uint8Array;
  /** Whether the pair was made now. */
  readonly made: boolean;
  /** Warnings for the operator, each a sentence without a full stop. */
  readonly warnings: readonly string[];
}

/** Name in certificates that are made: the one that Syncthing's have. */
const NAME = "syncthing";
/** Access for every user. A group may have it, such as Debian's ssl-cert; so do credentials of systemd, by their mode. */
const EVERYBODY = 0o007;

/**
 * Loads a certificate and its private key. If neither file exists, a pair is made and written there.
 *
 * @param certPath - a file in PEM: the server's certificate, and after it those of its issuers if there are any
 * @param keyPath - a file in PEM, without a passphrase
 * @throws {Error} with one line that says which file is wrong and why
 */
export async function loadKeyPair(certPath: string, keyPath: string): Promise<KeyPair> {
  const cert = await read("certificate", certPath);
  const key = await read("key", keyPath);
  if (cert !== undefined && key !== undefined) return checkedPair(certPath, cert, keyPath, key, false);
  if (cert === undefined && key === undefined) return makePair(certPath, keyPath);
  const [missing, there] = cert === undefined ? [certPath, keyPath] : [keyPath, certPath];
  throw new Error(`${missing} is missing, but ${there} exists: restore it, or remove both to have a new pair made`);
}

async function checkedPair(
  certPath: string,
  cert: string,
  keyPath: string,
  key: string,
  made: boolean,
): Promise<KeyPair> {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch {
    throw new Error(`${certPath} is not a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----`);
  }
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch {
    throw new Error(`${keyPath} is not a private key in PEM without a passphrase`);
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(`the key in ${keyPath} does not belong to the certificate in ${certPath}`);
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const reason = (error as Error).message;
    throw new Error(`${certPath} cannot be used, check the certificates after the first one: ${reason}`);
  }
  const { mode } = await stat(keyPath);
  const warnings = (mode & EVERYBODY) === 0 ? [] : [`every user can access the private key: run chmod o= ${keyPath}`];
  return { cert, key, deviceId: deviceIdOf(certificate.raw), made, warnings };
}

async function makePair(certPath: string, keyPath: string): Promise<KeyPair> {
  const { makeSelfSigned } = await import("./self-signed.ts");
  const { cert, key } = makeSelfSigned(NAME);
  await write("key", keyPath, key);
  await write("certificate", certPath, cert);
  return checkedPair(certPath, cert, keyPath, key, true);
}

/** @returns undefined if there is no such file */
async function read(what: string, path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw failed(`cannot read the ${what}`, path, error);
  }
}

/** Writes a new file, which is complete from its first moment on, and which only its owner can read. It replaces no other. */
async function write(what: string, path: string, text: string): Promise<void> {
  const unfinished = `${path}.${randomUUID()}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(unfinished, text, { mode: 0o600, flag: "wx", flush: true });
    try {
      await link(unfinished, path);
    } finally {
      await unlink(unfinished);
    }
  } catch (error) {
    throw failed(`cannot write the ${what}`, path, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  EEXIST: "another program has just made one",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left",
};

function failed(doing: string, path: string, cause: unknown): Error {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  return new Error(`${doing} ${path}: ${REASONS[code] ?? code}`, { cause });
}
