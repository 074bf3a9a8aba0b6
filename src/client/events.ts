/** The events of a discoverer and their listeners. */

import { describeValue } from "../xdr/describe-value.ts";
import { suggestion } from "../xdr/keys.ts";
import type { DiscoveryError } from "./error.ts";
import type { LanEvent } from "./types.ts";

/** An announcement that was sent. */
export interface Announced {
  /** `lan`, or the server as given. */
  readonly where: string;
  /** The destination: address and port. */
  readonly address: string;
  /** The length of the datagram. */
  readonly bytes: number;
}

/** A server has answered a query for the own NodeID: other nodes can find this one there. */
export interface Confirmed {
  /** The server as given. */
  readonly where: string;
  /** Which of the server's addresses answered: address and port. */
  readonly address: string;
  /** The own address as the server sees it, which other nodes get. */
  readonly ip: string;
  /** The own port. */
  readonly port: number;
}

/** The events of {@link Discoverer.on}: their names, and what their listeners are called with. */
export interface DiscovererEvents {
  /** A new node announced itself on the LAN, or one that was gone. */
  node: LanEvent;
  /** A node of the LAN announces another address or port than before. */
  moved: LanEvent;
  /** A node of the LAN was silent for 90 s. */
  gone: LanEvent;
  /** Something failed. It will be retried. */
  error: DiscoveryError;
  /** An announcement was sent. */
  announced: Announced;
  /** A server knows the own node. Once after each announcement. */
  confirmed: Confirmed;
}

type Listener<Event> = (event: Event) => void;

export class Emitter<Events> {
  readonly #listeners: Map<keyof Events, Set<Listener<never>>>;
  /** Events from before {@link flush}. */
  #early: (() => void)[] | undefined = [];
  protected closed = false;

  /** @param names - of all events */
  constructor(names: readonly (keyof Events)[]) {
    this.#listeners = new Map(names.map((name) => [name, new Set()]));
  }

  /**
   * @returns a function that removes the listener
   * @throws {TypeError} for an unknown event, or a listener that is not a function
   */
  on<K extends keyof Events>(name: K, listener: Listener<Events[K]>): () => void {
    const listeners = this.#listeners.get(name);
    const given = typeof name === "string" ? `"${name}"` : describeValue(name);
    if (listeners === undefined) {
      const known = [...this.#listeners.keys()] as string[];
      throw new TypeError(`there is no event ${given}${suggestion(String(name), known)}`);
    }
    if (typeof listener !== "function") {
      throw new TypeError(`the listener of ${given} must be a function, not ${describeValue(listener)}`);
    }
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    if (this.closed) return;
    if (this.#early !== undefined) {
      this.#early.push(() => this.emit(name, event));
      return;
    }
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as Listener<Events[K]>)(event);
      } catch (error) {
        // Thrown here, it would reach Bun's receive loop, which reports it as an error of the socket.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  /** Delivers the events so far, and from now on each event at once. */
  flush(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const emit of early) emit();
  }

  /** Removes all listeners. No event is delivered any more. @returns whether it was open */
  close(): boolean {
    if (this.closed) return false;
    this.closed = true;
    this.#early = undefined;
    for (const listeners of this.#listeners.values()) listeners.clear();
    return true;
  }
}
