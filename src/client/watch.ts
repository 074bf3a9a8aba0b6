/** The LAN as a stream of events. */
import { nodeIdKey } from "./node-id.ts";
import { Stream } from "./stream.ts";
import type { LanEvent } from "./types.ts";

/** A stream that forgets: of a node whose events nobody takes, only the latest is kept. */
export class Watch {
  readonly stream: Stream<LanEvent>;
  /** Events that wait until there is room in the stream, by NodeID. */
  readonly #waiting = new Map<string, LanEvent>();

  constructor(onEnd: () => void) {
    this.stream = new Stream<LanEvent>(onEnd, () => this.#refill());
  }

  add(event: LanEvent): void {
    const key = nodeIdKey(event.nodeId);
    this.#waiting.delete(key);
    this.#waiting.set(key, event);
    this.#refill();
  }

  /** One event at a time lies in the stream: whatever comes in the meantime can still be replaced. */
  #refill(): void {
    if (this.stream.size > 0) return;
    for (const [key, event] of this.#waiting) {
      this.#waiting.delete(key);
      this.stream.push(event);
      if (this.stream.size > 0) return;
    }
  }
}
