/** The stream of changes on the LAN that `watch` of a discoverer returns. */
import { Stream } from "./stream.ts";

/** Keeps only the latest event of each node while nobody takes them, so a slow reader cannot fill the memory. */
export class Watch<Event> {
  readonly stream: Stream<Event>;
  readonly #keyOf: (event: Event) => string;
  /** Events that are not in the stream yet, by node. */
  readonly #waiting = new Map<string, Event>();

  /**
   * @param keyOf - events with the same key are of one node
   * @param onEnd - called once, when the stream has ended
   */
  constructor(keyOf: (event: Event) => string, onEnd: () => void) {
    this.#keyOf = keyOf;
    this.stream = new Stream(onEnd, () => this.#refill());
  }

  add(event: Event): void {
    const key = this.#keyOf(event);
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
