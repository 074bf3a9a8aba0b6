/** A directory in a Map, which allows all that it is not told to refuse. */

import type { Directory, DirectoryLimit, Found } from "../../../src/syncthing/directory/directory.ts";
import { RequestHandler } from "../../../src/syncthing/directory/handler.ts";
import { createMissMemory, MissTable } from "../../../src/syncthing/directory/misses.ts";

export class FakeDirectory implements Directory {
  readonly devices = new Map<string, Found>();
  /** Limits that were charged, with the source in hex. */
  readonly charged: string[] = [];
  readonly refused = new Set<DirectoryLimit>();
  busy = false;
  full = false;
  /** What it throws. */
  failure: Error | undefined;
  /** Time of announcements, in ms since 1970. */
  now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

  lookUp(id: Uint8Array): Found | "busy" | undefined {
    if (this.failure !== undefined) throw this.failure;
    return this.busy ? "busy" : this.devices.get(id.toHex());
  }

  async announce(id: Uint8Array, addresses: readonly string[]): Promise<"new" | "known" | "full"> {
    if (this.failure !== undefined) throw this.failure;
    const before = this.devices.get(id.toHex());
    if (before === undefined && this.full) return "full";
    const all = [...new Set([...(before?.addresses ?? []), ...addresses])];
    this.devices.set(id.toHex(), { seen: this.now, addresses: all });
    return before === undefined ? "new" : "known";
  }

  has(id: Uint8Array): boolean {
    return this.devices.has(id.toHex());
  }

  passes(source: Uint8Array, limit: DirectoryLimit): boolean {
    this.charged.push(`${limit} ${source.toHex()}`);
    return !this.refused.has(limit);
  }
}

/** A handler of its requests. What the directory throws fails the test that runs. */
export function handlerOf(directory: FakeDirectory): RequestHandler {
  return new RequestHandler(directory, new MissTable(createMissMemory()), (error) => {
    throw error;
  });
}
