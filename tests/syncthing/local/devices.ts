/** Starts agent.ts in a virtual host (netns.ts), gives it orders and collects its reports. */

import type { DeviceAddresses, DeviceEvent, LanDevice, SyncthingOptions } from "../../../src/syncthing/index.ts";
import { program, type Runtime } from "../../client/lan/agents.ts";
import { Folder } from "../../support/folder.ts";
import type { Host } from "../../support/netns.ts";
import { Reporter } from "../../support/reporter.ts";
import { type Certificate, selfSigned } from "../../support/syncthing/certificates.ts";

export type DeviceOptions = Omit<SyncthingOptions, "signal">;

export type DeviceOrder =
  | { do: "state" }
  | { do: "announce" }
  | { do: "lookup"; deviceId: string; timeout?: number; fresh?: boolean };

type Typed<T extends DeviceEvent["type"]> = DeviceEvent & { type: T };

export type DeviceReport =
  | { type: "ready" }
  | Typed<"device">
  | Typed<"moved">
  | Typed<"gone">
  | { type: "announced"; where: string; address: string }
  | { type: "error"; code: string | undefined; where: string; message: string }
  | { type: "refused"; error: string }
  | { type: "result"; deviceId: string; found: DeviceAddresses | null; error?: string }
  | { type: "state"; devices: LanDevice[]; counters: { received: number; announcements: number; ignored: number } };

/** Certificates of devices, made once for all tests of a file. */
export class Identities implements Disposable {
  readonly #folder = new Folder();
  readonly #made = new Map<string, Certificate>();

  of(name: string): Certificate {
    const identity = this.#made.get(name) ?? selfSigned(this.#folder, name);
    this.#made.set(name, identity);
    return identity;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

export class Device extends Reporter<DeviceReport> {
  static async start(host: Host, runtime: Runtime, options: DeviceOptions): Promise<Device> {
    const command = await program(new URL("./agent.ts", import.meta.url), runtime);
    return await new Device(host.command([...command, JSON.stringify(options)])).ready();
  }

  override order(order: DeviceOrder): void {
    super.order(order);
  }

  /** Its devices and counters now. */
  async state(): Promise<Extract<DeviceReport, { type: "state" }>> {
    const before = this.all("state").length;
    this.order({ do: "state" });
    return await this.first("state", () => this.all("state").length > before).then(() => this.all("state").at(-1)!);
  }
}
