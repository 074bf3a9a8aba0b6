/** The command line as one file, built once per test file. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Folder } from "./folder.ts";

const SCRIPT = join(import.meta.dir, "../../scripts/binary.ts");

/** The target for this machine; undefined where there is none. */
const TARGET =
  process.platform === "linux" ? `${process.arch}${existsSync("/etc/alpine-release") ? "-musl" : ""}` : undefined;

export const hasTarget = TARGET !== undefined;
export const NEEDS_TARGET = "needs Linux";

export class Binary implements Disposable {
  readonly #folder = new Folder();
  readonly path = this.#folder.at(`whereabouts-${TARGET}`);

  constructor() {
    const command = [process.execPath, SCRIPT, "--target", TARGET!, "--out", this.#folder.path];
    const { exitCode, stderr } = Bun.spawnSync(command);
    if (exitCode !== 0) throw new Error(stderr.toString());
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
