/** The stream of events. It reconnects by itself, and tells in which state it is. */
import type { ErrorReply, StatsEvent } from "../api.ts";

export type ConnectionState =
  | { readonly kind: "connecting" | "live" | "lost" }
  /** The server refuses the stream: for now, as while it starts, or for good. `text` is its reason. */
  | { readonly kind: "waiting" | "refused"; readonly text: string };

/** The server sends an event a second. After this long without one, the connection counts as lost. */
const SILENCE_MS = 5000;
const RETRY_MS = 2000;

export class Connection {
  readonly #onEvent: (event: StatsEvent) => void;
  readonly #onState: (state: ConnectionState) => void;
  #opened: AbortController | undefined;

  constructor(onEvent: (event: StatsEvent) => void, onState: (state: ConnectionState) => void) {
    this.#onEvent = onEvent;
    this.#onState = onState;
  }

  open(): void {
    if (this.#opened) return;
    this.#opened = new AbortController();
    void this.#run(this.#opened.signal);
  }

  close(): void {
    this.#opened?.abort();
    this.#opened = undefined;
  }

  async #run(closed: AbortSignal): Promise<void> {
    while (!closed.aborted) {
      const state = await this.#attempt(closed).catch((): ConnectionState => ({ kind: "lost" }));
      if (closed.aborted) return;
      this.#onState(state);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** One connection. Resolves with why it is over, or rejects when it breaks. */
  async #attempt(closed: AbortSignal): Promise<ConnectionState> {
    const silence = new AbortController();
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => silence.abort(), SILENCE_MS);
    };
    alive();
    try {
      const signal = AbortSignal.any([closed, silence.signal]);
      const response = await fetch("/api/events", { signal, headers: { accept: "text/event-stream" } });
      if (!response.ok || response.body === null)
        return { kind: response.status === 503 ? "waiting" : "refused", text: await reason(response) };
      for await (const data of eventsOf(response.body)) {
        alive();
        if (closed.aborted) break;
        this.#onState({ kind: "live" });
        this.#onEvent(JSON.parse(data));
      }
      return { kind: "lost" };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The data of the events named `stats` in a stream of server-sent events. */
async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop()!;
      for (const block of blocks) {
        const lines = block.split(/\r?\n/);
        const field = (name: string) =>
          lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart());
        if (field("event")[0] === "stats") yield field("data").join("\n");
      }
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

async function reason(response: Response): Promise<string> {
  try {
    return ((await response.json()) as ErrorReply).error;
  } catch {
    return `the server replies with status ${response.status}`;
  }
}
