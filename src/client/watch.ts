/** The stream of LAN events that `Discoverer.watch` returns. */
import type { Emitter } from "./events.ts";
import { nodeIdKey } from "./node-id.ts";
import { Stream } from "./stream.ts";
import type { LanEvent } from "./types.ts";

const LAN_EVENTS = ["node", "moved", "gone"] as const;

export interface WatchSources {
  readonly emitter: Emitter;
  readonly signal: AbortSignal | undefined;
  /** Called once, when the stream has ended. */
  onEnd(watch: Watch): void;
}

/** Keeps only the latest event of each node while nobody takes them, so a slow reader cannot fill the memory. */
export class Watch {
  readonly stream: Stream<LanEvent>;
  /** Events that are not in the stream yet, by NodeID. */
  readonly #waiting = new Map<string, LanEvent>();

  constructor({ emitter, signal, onEnd }: WatchSources) {
    const end = () => this.stream.end();
    const removeListeners = LAN_EVENTS.map((name) => emitter.on(name, (event) => this.add(event)));
    const onStreamEnd = () => {
      for (const removeListener of removeListeners) removeListener();
      signal?.removeEventListener("abort", end);
      onEnd(this);
    };
    this.stream = new Stream<LanEvent>(onStreamEnd, () => this.#refill());
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted) end();
  }

  add(event: LanEvent): void {
    const key = nodeIdKey(event.nodeId);
    this.#waiting.delete(key);
    this.#waiting.set(key, event);
    this.#refill();
  }

  /** Puts at most one event into the stream: the events that wait can still be replaced by later ones. */
  #refill(): void {
    if (this.stream.size > 0) return;
    for (const [key, event] of this.#waiting) {
      this.#waiting.delete(key);
      this.stream.push(event);
      if (this.stream.size > 0) return;
    }
  }
}
