/** The {@link Directory} of a thread that answers requests: it reads shared memory, and has the control thread store. */
import { type EngineMemory, NodeReader, SourceLimiter } from "../../engine/index.ts";
import { hostText } from "../../syncthing/addresses.ts";
import { deviceNodeId } from "../../syncthing/device-id.ts";
import { DeviceReader } from "../../syncthing/devices/index.ts";
import type { Directory, DirectoryLimit, Found } from "../../syncthing/directory/directory.ts";
import type { Clock } from "../clock.ts";
import { SystemTime } from "../system-time.ts";

export interface SharedDirectoryOptions {
  readonly engineMemory: EngineMemory;
  /** A lane of the engine that only this thread uses. */
  readonly lane: number;
  readonly deviceMemory: SharedArrayBuffer;
  readonly clock: Clock;
  /** Whether nodes that announced themselves over UDP are found. */
  readonly unverified: boolean;
  /** Has the control thread store addresses of a device. */
  announce(id: Uint8Array, addresses: readonly string[]): ReturnType<Directory["announce"]>;
}

export class SharedDirectory implements Directory {
  readonly #options: SharedDirectoryOptions;
  readonly #devices: DeviceReader;
  readonly #nodes: NodeReader;
  readonly #limiter: SourceLimiter;
  readonly #time: SystemTime;

  constructor(options: SharedDirectoryOptions) {
    const { engineMemory, lane, deviceMemory, clock } = options;
    this.#options = options;
    this.#devices = new DeviceReader(deviceMemory);
    this.#nodes = new NodeReader(engineMemory, lane);
    this.#limiter = new SourceLimiter(engineMemory, lane);
    this.#time = new SystemTime(clock);
  }

  lookUp(id: Uint8Array): Found | "busy" | undefined {
    const device = this.#devices.read(id, this.#options.clock.now());
    if (device === "busy") return device;
    if (device === undefined) return this.#options.unverified ? this.#lookUpNode(id) : undefined;
    return { seen: this.#time.of(device.announcedAt), addresses: device.addresses };
  }

  announce(id: Uint8Array, addresses: readonly string[]): ReturnType<Directory["announce"]> {
    return this.#options.announce(id, addresses);
  }

  has(id: Uint8Array): boolean {
    return this.#devices.read(id, this.#options.clock.now()) !== undefined;
  }

  passes(source: Uint8Array, limit: DirectoryLimit): boolean {
    return this.#limiter.passes(source, limit, this.#options.clock.now());
  }

  /** Looks for the node of the original protocol that has the device's ID. */
  #lookUpNode(id: Uint8Array): Found | "busy" | undefined {
    const nodeId = new TextEncoder().encode(deviceNodeId(id));
    const node = this.#nodes.read(nodeId, this.#options.clock.now());
    if (node === undefined || node === "busy") return node;
    return { seen: this.#time.of(node.time), addresses: [`tcp://${hostText(node.address)}:${node.port}`] };
  }
}
