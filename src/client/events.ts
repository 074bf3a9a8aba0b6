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

type EventName = keyof DiscovererEvents;
type Listener<K extends EventName> = (event: DiscovererEvents[K]) => void;

export class Emitter {
  readonly #listeners: { readonly [K in EventName]: Set<Listener<K>> } = {
    node: new Set(),
    moved: new Set(),
    gone: new Set(),
    error: new Set(),
    announced: new Set(),
    confirmed: new Set(),
  };
  /** Events from before {@link flush}. */
  #early: (() => void)[] | undefined = [];
  #closed = false;

  /**
   * @returns a function that removes the listener
   * @throws {TypeError} for an unknown event, or a listener that is not a function
   */
  on<K extends EventName>(name: K, listener: Listener<K>): () => void {
    const names = Object.keys(this.#listeners);
    if (!names.includes(name))
      throw new TypeError(
        `there is no event ${typeof name === "string" ? `"${name}"` : describeValue(name)}${suggestion(String(name), names)}`,
      );
    if (typeof listener !== "function") {
      throw new TypeError(`the listener of "${name}" must be a function, not ${describeValue(listener)}`);
    }
    const listeners: Set<Listener<K>> = this.#listeners[name];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  emit<K extends EventName>(name: K, event: DiscovererEvents[K]): void {
    if (this.#closed) return;
    if (this.#early !== undefined) {
      this.#early.push(() => this.emit(name, event));
      return;
    }
    for (const listener of this.#listeners[name]) {
      try {
        listener(event);
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

  /** Removes all listeners. No event is delivered any more. */
  close(): void {
    this.#closed = true;
    this.#early = undefined;
    for (const listeners of Object.values(this.#listeners)) listeners.clear();
  }
}
