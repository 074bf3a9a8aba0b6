/** Certificates that a test makes with openssl. */
import { readFileSync } from "node:fs";
import { deviceIdOfPem, formatDeviceId } from "../../../src/syncthing/device-id.ts";
import type { Folder } from "../folder.ts";

export const NEEDS_OPENSSL = "needs openssl";
export const hasOpenssl: boolean = Bun.which("openssl") !== null;

export interface Certificate {
  /** Paths of PEM files. */
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly certificate: string;
  readonly key: string;
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly deviceId: string;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes"];

/**
 * A self-signed certificate, as Syncthing's.
 *
 * @param name - of its files in `folder`
 * @param subjects - its names, as `DNS:…` and `IP:…`; Syncthing's has none that a host could have
 */
export function selfSigned(folder: Folder, name: string, subjects = "DNS:syncthing"): Certificate {
  const [certificateFile, keyFile] = [folder.at(`${name}.pem`), folder.at(`${name}.key`)];
  const files = ["-keyout", keyFile, "-out", certificateFile];
  const naming = ["-subj", "/CN=syncthing", "-addext", `subjectAltName=${subjects}`];
  openssl(["req", "-x509", ...KEY, ...files, ...naming, "-days", "2"]);
  return read(certificateFile, keyFile);
}

/** A certificate whose time is over. */
export function expired(folder: Folder, name: string): Certificate {
  const [certificateFile, keyFile, request] = [folder.at(`${name}.pem`), folder.at(`${name}.key`), folder.at(name)];
  openssl(["req", "-new", ...KEY, "-keyout", keyFile, "-out", request, "-subj", "/CN=syncthing"]);
  openssl(["x509", "-req", "-in", request, "-signkey", keyFile, "-days", "-1", "-out", certificateFile]);
  return read(certificateFile, keyFile);
}

function openssl(args: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args]);
  if (exitCode !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

function read(certificateFile: string, keyFile: string): Certificate {
  const [certificate, key] = [readFileSync(certificateFile, "utf8"), readFileSync(keyFile, "utf8")];
  const id = deviceIdOfPem(certificate);
  return { certificateFile, keyFile, certificate, key, id, deviceId: formatDeviceId(id) };
}
