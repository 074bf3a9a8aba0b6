/** Server-sent events: one text, made once a second, for all streams. */
import type { Bytes } from "./http.ts";

/** How often streams get an event. */
const EVENT_MS = 1000;
/** A higher number would let one client keep this thread busy: an event costs some 20 us per stream. */
export const MAX_STREAMS = 64;
/** A client that is so many events behind is cut off. It connects again when it can read. */
const MAX_BEHIND = 4;
/** How long a client waits before it connects again. */
const RETRY_MS = 2000;

type Stream = ReadableStreamDefaultController<Bytes>;

export class EventStreams {
  readonly #event: () => Bytes;
  readonly #streams = new Set<Stream>();
  #timer: Timer | undefined;

  /** @param event - makes the event's text */
  constructor(event: () => Bytes) {
    this.#event = event;
  }

  /** @returns a stream that has the first event at once; undefined if there are too many streams */
  open(): ReadableStream<Bytes> | undefined {
    if (this.#streams.size >= MAX_STREAMS) return undefined;
    const first = this.#event();
    let opened: Stream;
    return new ReadableStream<Bytes>(
      {
        start: (stream) => {
          opened = stream;
          stream.enqueue(RETRY);
          stream.enqueue(first);
          this.#streams.add(stream);
          this.#timer ??= setInterval(() => this.#send(), EVENT_MS);
        },
        cancel: () => this.#remove(opened),
      },
      { highWaterMark: MAX_BEHIND },
    );
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of this.#streams) {
      this.#remove(stream);
      stream.close();
    }
  }

  #send(): void {
    const event = this.#event();
    for (const stream of this.#streams) {
      if (stream.desiredSize! > 0) {
        stream.enqueue(event);
        continue;
      }
      this.#remove(stream);
      // Bun closes the connection when nothing was sent for the idle time-out.
      stream.error(new Error("the client reads too slowly"));
    }
  }

  #remove(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const RETRY = new TextEncoder().encode(`retry: ${RETRY_MS}\n\n`);
