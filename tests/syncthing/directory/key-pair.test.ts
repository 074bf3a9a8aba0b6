import { afterAll, beforeAll, expect, test } from "bun:test";
import { createPublicKey, X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { deviceIdOfPem } from "../../../src/syncthing/device-id.ts";
import { loadKeyPair } from "../../../src/syncthing/directory/key-pair.ts";
import { makeSelfSigned } from "../../../src/syncthing/directory/self-signed.ts";
import { Folder } from "../../support/folder.ts";

const DAY_MS = 86_400_000;

let folder: Folder;
let cert: string;
let key: string;

beforeAll(() => {
  folder = new Folder();
  cert = folder.at("cert.pem");
  key = folder.at("key.pem");
  const pair = makeSelfSigned("example");
  writeFileSync(cert, pair.cert, { mode: 0o600 });
  writeFileSync(key, pair.key, { mode: 0o600 });
});

afterAll(() => folder[Symbol.dispose]());

/** A file of the folder with this text. */
function file(name: string, text: string): string {
  writeFileSync(folder.at(name), text, { mode: 0o600 });
  return folder.at(name);
}

test("a pair is loaded from its files, with the device ID of the certificate", async () => {
  const text = readFileSync(cert, "utf8");
  expect(await loadKeyPair(cert, key)).toEqual({
    cert: text,
    key: readFileSync(key, "utf8"),
    deviceId: deviceIdOfPem(text),
    made: false,
    warnings: [],
  });
});

test("a pair is made if both files are missing, for its owner only, and stays the same from then on", async () => {
  const [certPath, keyPath] = [folder.at("new/deep/cert.pem"), folder.at("new/other/key.pem")];
  const made = await loadKeyPair(certPath, keyPath);
  expect(made.made).toBe(true);
  expect(await loadKeyPair(certPath, keyPath)).toEqual({ ...made, made: false });
  for (const path of [certPath, keyPath]) expect(statSync(path).mode & 0o777).toBe(0o600);
  for (const path of ["new", "new/deep", "new/other"]) expect(statSync(folder.at(path)).mode & 0o777).toBe(0o700);
  // Nothing unfinished is left.
  expect(readdirSync(folder.at("new/deep"))).toEqual(["cert.pem"]);
  expect(readdirSync(folder.at("new/other"))).toEqual(["key.pem"]);
});

test("a damaged certificate after the first one is an error that names the file", async () => {
  const chain = file("chain.pem", `${readFileSync(cert, "utf8")}-----BEGIN CERTIFICATE-----\nMIIB\n`);
  await expect(loadKeyPair(chain, key)).rejects.toThrow(
    `${chain} cannot be used, check the certificates after the first one: `,
  );
  const { cert: other } = makeSelfSigned("authority");
  const whole = file("whole.pem", readFileSync(cert, "utf8") + other);
  expect(await loadKeyPair(whole, key)).toMatchObject({ deviceId: deviceIdOfPem(readFileSync(cert, "utf8")) });
});

test("a made certificate signs itself, and is valid from yesterday on for 20 years", () => {
  const certificate = new X509Certificate(makeSelfSigned("syncthing").cert);
  expect(certificate.subject).toBe("CN=syncthing");
  expect(certificate.subjectAltName).toBe("DNS:syncthing");
  expect(certificate.ca).toBe(false);
  expect(certificate.verify(createPublicKey(certificate.publicKey.export({ type: "spki", format: "pem" })))).toBe(true);
  expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
  const now = Date.now();
  expect(now - certificate.validFromDate.getTime()).toBeWithin(DAY_MS, 2 * DAY_MS);
  expect(certificate.validToDate.getTime() - now).toBeWithin(19 * 365 * DAY_MS, 20 * 365 * DAY_MS);
});

test("two made pairs differ", () => {
  const [one, other] = [makeSelfSigned("syncthing"), makeSelfSigned("syncthing")];
  expect(deviceIdOfPem(one.cert)).not.toEqual(deviceIdOfPem(other.cert));
});

test("a certificate may be followed by those of its issuers: the first one counts", async () => {
  const chain = file("chain.pem", readFileSync(cert, "utf8") + makeSelfSigned("issuer").cert);
  expect((await loadKeyPair(chain, key)).deviceId).toEqual(deviceIdOfPem(readFileSync(cert, "utf8")));
});

test("a key that every user can read is loaded with a warning, one that a group can read without", async () => {
  const readable = file("readable.pem", readFileSync(key, "utf8"));
  chmodSync(readable, 0o640);
  expect((await loadKeyPair(cert, readable)).warnings).toEqual([]);
  chmodSync(readable, 0o644);
  expect((await loadKeyPair(cert, readable)).warnings).toEqual([
    `every user can access the private key: run chmod o= ${readable}`,
  ]);
});

test("a missing half of a pair is an error, and nothing is made", async () => {
  const missing = folder.at("missing.pem");
  await expect(loadKeyPair(missing, key)).rejects.toThrow(
    `${missing} is missing, but ${key} exists: restore it, or remove both to have a new pair made`,
  );
  await expect(loadKeyPair(cert, missing)).rejects.toThrow(`${missing} is missing, but ${cert} exists`);
});

test("files that are no certificate and no key are errors that name the file", async () => {
  const text = file("text.pem", "no PEM\n");
  await expect(loadKeyPair(text, key)).rejects.toThrow(`${text} is not a certificate in PEM`);
  await expect(loadKeyPair(key, key)).rejects.toThrow(`${key} is not a certificate in PEM`);
  await expect(loadKeyPair(cert, text)).rejects.toThrow(`${text} is not a private key in PEM without a passphrase`);
  await expect(loadKeyPair(cert, cert)).rejects.toThrow(`${cert} is not a private key in PEM without a passphrase`);
});

test("a key of another certificate is an error", async () => {
  const other = file("other.pem", makeSelfSigned("example").key);
  await expect(loadKeyPair(cert, other)).rejects.toThrow(
    `the key in ${other} does not belong to the certificate in ${cert}`,
  );
});

test("files that cannot be read or written are errors that say why", async () => {
  const directory = folder.at("directory");
  mkdirSync(directory);
  await expect(loadKeyPair(directory, key)).rejects.toThrow(`cannot read the certificate ${directory}: it is a folder`);
  await expect(loadKeyPair(cert, directory)).rejects.toThrow(`cannot read the key ${directory}: it is a folder`);
  const inFile = `${cert}/cert.pem`;
  await expect(loadKeyPair(inFile, inFile)).rejects.toThrow(
    `cannot read the certificate ${inFile}: a part of the path is not a folder`,
  );
});
