/** A temporary folder for a test, removed at the end of its scope. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "whereabouts-"));

  at(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
