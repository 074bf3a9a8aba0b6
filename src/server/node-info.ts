/** What the registry knows of a node, in the words of people: an address as text, and times of the system's clock. */
import { unmappedIpText } from "../codec/ip.ts";
import { type EngineMemory, NodeReader } from "../engine/index.ts";
import type { Clock } from "./clock.ts";
import { ServerError } from "./error.ts";
import type { NodeInfo } from "./inspect.ts";
import { SystemTime } from "./system-time.ts";

export class NodeInfos {
  readonly #reader: NodeReader;
  readonly #clock: Clock;
  readonly #retentionMs: number;
  readonly #time: SystemTime;

  /**
   * @param lane - the control thread's
   * @param retention - in seconds
   */
  constructor(memory: EngineMemory, lane: number, clock: Clock, retention: number) {
    this.#reader = new NodeReader(memory, lane);
    this.#clock = clock;
    this.#time = new SystemTime(clock);
    this.#retentionMs = retention * 1000;
  }

  /** See `node` of the server. */
  get(nodeId: Uint8Array): NodeInfo | undefined {
    if (!(nodeId instanceof Uint8Array)) {
      throw new TypeError("nodeId must be a Uint8Array: nodeIdFromText makes one of a text");
    }
    const now = this.#clock.now();
    const entry = this.#reader.read(nodeId, now);
    if (entry === "busy") {
      throw new ServerError(
        "a part of the registry is being changed by a worker that does not run now: try again",
        "busy",
      );
    }
    if (entry === undefined) return undefined;
    const { address, port, time, confirmed, fromJournal, authenticated } = entry;
    const announcedAt = this.#time.of(time);
    const expiresAt = announcedAt + this.#retentionMs;
    return {
      nodeId: Uint8Array.from(nodeId),
      ip: unmappedIpText(address),
      port,
      announcedAt,
      expiresAt,
      confirmed,
      fromJournal,
      authenticated,
    };
  }
}
