/** The node that a server announces to itself when it checks whether it serves. */
import { readFileSync } from "node:fs";

const MACHINE_ID = "/etc/machine-id";

/**
 * 32 bytes that nobody else knows, and that are the same after a restart: otherwise each start would leave another node in
 * the journal. They are made of the machine's id, as systemd advises (machine-id(5)); where there is none, they are random.
 *
 * @param purpose - what they are for; others for each purpose
 */
export function machineSecret(purpose: string): Uint8Array {
  try {
    return new Bun.CryptoHasher("sha256", readFileSync(MACHINE_ID)).update(purpose).digest();
  } catch {
    return crypto.getRandomValues(new Uint8Array(32));
  }
}
