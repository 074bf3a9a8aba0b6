/**
 * The replies of the admin server about one discovery server. Texts that all requests share are made at most four times a
 * second, so that a flood of requests cannot keep this thread, which also controls the server, busy.
 */
import type { DiscoveryServer } from "../server/index.ts";
import type { LimitedReply, NodeReply, ReadyReply, StatsEvent } from "./api.ts";
import { Cached } from "./cached.ts";
import { EventStreams } from "./events.ts";
import { History, INTERVAL_MS } from "./history.ts";
import type { Bytes } from "./http.ts";
import { renderMetrics } from "./metrics/index.ts";
import { LastReadiness } from "./readiness.ts";
import { limitedKey, nodeReply, readyReply, statsReply } from "./replies.ts";

const SHARED_MS = 250;
const encoder = new TextEncoder();

export class Watched {
  readonly events: EventStreams;
  readonly #server: DiscoveryServer;
  readonly #readiness: LastReadiness;
  readonly #history: History;
  readonly #historyTimer: Timer;
  readonly #historyText: Cached<Bytes>;
  readonly #stats: Cached<Promise<Bytes>>;
  readonly #limited: Cached<Bytes>;
  readonly #metrics: Cached<Promise<Bytes>>;

  constructor(server: DiscoveryServer) {
    this.#server = server;
    this.#readiness = new LastReadiness(server);
    this.#history = new History(server.stats(), performance.now());
    this.#historyTimer = setInterval(() => this.#history.record(server.stats(), performance.now()), INTERVAL_MS);
    this.#historyText = new Cached(SHARED_MS, () => json(this.#history.reply(performance.now())));
    this.#stats = new Cached(SHARED_MS, async () => json(statsReply(server, await this.#readiness.recent())));
    this.#limited = new Cached(SHARED_MS, () => json(this.#limitedReply()));
    this.#metrics = new Cached(SHARED_MS, () => this.#renderMetrics());
    const event = new Cached(SHARED_MS, () => this.#event());
    this.events = new EventStreams(() => event.get());
  }

  stats(): Promise<Bytes> {
    return this.#stats.get();
  }

  limited(): Bytes {
    return this.#limited.get();
  }

  history(): Bytes {
    return this.#historyText.get();
  }

  /** In the text format of Prometheus. */
  metrics(): Promise<Bytes> {
    return this.#metrics.get();
  }

  async ready(): Promise<ReadyReply> {
    return readyReply(await this.#readiness.result());
  }

  /** @returns undefined if the node is unknown */
  node(nodeId: Uint8Array): NodeReply | undefined {
    const node = this.#server.node(nodeId);
    return node && nodeReply(node);
  }

  stop(): void {
    clearInterval(this.#historyTimer);
    this.events.close();
  }

  #limitedReply(): LimitedReply {
    return { at: new Date().toISOString(), limited: this.#server.limited().map(limitedKey) };
  }

  #event(): Bytes {
    const stats = statsReply(this.#server, this.#readiness.latest());
    const data: StatsEvent = { stats, limited: this.#limitedReply().limited };
    return encoder.encode(`event: stats\ndata: ${JSON.stringify(data)}\n\n`);
  }

  async #renderMetrics(): Promise<Bytes> {
    const ready = await this.#readiness.recent();
    return encoder.encode(await renderMetrics(this.#server, ready));
  }
}

function json(value: unknown): Bytes {
  return encoder.encode(`${JSON.stringify(value)}\n`);
}
