/** Announces the own node to one server until the server's answer to a query for it is right, and then in intervals. */
import { DiscoveryError } from "../error.ts";
import type { Announced, Confirmed } from "../events.ts";
import { nodeIdKey } from "../node-id.ts";
import { MAX_TIMER_MS } from "../timers.ts";
import type { NodeAddress, Timings } from "../types.ts";
import { withResolvers } from "../with-resolvers.ts";
import type { ServerLink } from "./link.ts";
import type { Path } from "./path.ts";
import type { Asker } from "./pending.ts";
import { RETRY_WAITS, retryWait } from "./waits.ts";

/** The query follows after this time: with several workers, a server may handle it before the announcement otherwise. */
const SETTLE_MS = 20;
/** How long a routine check waits for the answer, with retries, before it announces again. */
const CHECK_MS = 1_000;
/** Intervals vary by this share, so that nodes which start together do not keep announcing together. */
const JITTER = 0.1;
/** Servers refuse longer NodeIDs by default, in bytes. */
const USUAL_MAX_ID_LENGTH = 64;

export interface AnnouncerOptions {
  readonly link: ServerLink;
  readonly nodeId: Uint8Array;
  readonly port: number;
  readonly packet: Uint8Array;
  readonly timings: Timings;
  readonly onError: (error: DiscoveryError) => void;
  readonly onAnnounced: (event: Announced) => void;
  readonly onConfirmed: (event: Confirmed) => void;
}

interface Way {
  readonly server: string;
  readonly local: string | undefined;
}

export class Announcer implements Asker {
  readonly #options: AnnouncerOptions;
  readonly #key: string;
  /** Unref'd: it does not keep the process running. */
  #timer: NodeJS.Timeout | undefined;
  /** The wait after the next failure, in ms. */
  #retryMs: number;
  /** When the next announcement is due, if the server still knows the node until then. */
  #announceAt = 0;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** To the last question. */
  #answer: Confirmed | undefined;
  /** From which of the server's addresses it came, to which own one. */
  #way: Way = { server: "", local: undefined };
  /** The same of the answer to the last announcement. */
  #announcedBy = this.#way;
  /** Ends the waits of the running announcement. */
  #wake = () => {};
  /** Resolved by {@link close}. */
  readonly #end = withResolvers<void>();
  #closed = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#key = nodeIdKey(options.nodeId);
    this.#retryMs = options.timings.retryFirst;
  }

  /**
   * Announces, after a running announcement has ended, and then again in intervals. Resolves when it is confirmed or has
   * failed. Never rejects.
   */
  announce(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    // All calls during a running announcement share the next one.
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.announce();
    });
    return this.#next;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#end.resolve();
    this.#wake();
  }

  onReply({ ip, port }: NodeAddress, { address, localAddress }: Path): void {
    this.#answer = { where: this.#options.link.server, address, ip, port };
    this.#way = { server: address, local: localAddress };
    this.#wake();
  }

  onUnreachable(): void {
    if (!this.#options.link.alive) this.#wake();
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const { timings, onError, onConfirmed } = this.#options;
    try {
      const answer = await this.#announce();
      if (this.#closed) return;
      this.#retryMs = timings.retryFirst;
      this.#announceAt = performance.now() + varied(timings.serverInterval);
      this.#scheduleCheck();
      onConfirmed(answer);
    } catch (error) {
      if (this.#closed) return;
      this.#schedule(varied(this.#retryMs), () => this.announce());
      this.#retryMs = Math.min(2 * this.#retryMs, timings.retryLongest);
      onError(error as DiscoveryError);
    }
  }

  /** Announces and asks until the answer is right. @throws {DiscoveryError} that says what is known */
  async #announce(): Promise<Confirmed> {
    const { link, packet, port, nodeId, onAnnounced } = this.#options;
    // A resolver may take its time, but close() does not wait for it.
    await Promise.race([link.refresh(), this.#end.promise]);
    let last: Confirmed | undefined;
    for (let attempt = 0; attempt <= RETRY_WAITS.length && !this.#closed; attempt++) {
      const until = performance.now() + retryWait(attempt);
      for (const address of await link.announce(packet))
        onAnnounced({ where: link.server, address, bytes: packet.length });
      await this.#sleep(SETTLE_MS);
      const answer = await this.#ask(attempt, until);
      this.#announcedBy = this.#way;
      if (answer?.port === port) return answer;
      last = answer ?? last;
      await this.#sleep(until - performance.now());
    }
    const { length } = nodeId;
    const refused =
      length > USUAL_MAX_ID_LENGTH
        ? `: its NodeID has ${length} bytes, and servers accept ${USUAL_MAX_ID_LENGTH} by default`
        : "";
    const why = last === undefined ? `it does not answer: it may be down, or refuse this node${refused}` : taken(last);
    throw new DiscoveryError(link.server, why);
  }

  /**
   * Asks the server for the own NodeID, until it answers or the time `until`.
   *
   * @throws {DiscoveryError} if it cannot be reached
   */
  async #ask(attempt: number, until: number): Promise<Confirmed | undefined> {
    const { link, nodeId } = this.#options;
    this.#answer = undefined;
    const query = link.query(this.#key, nodeId, true, this, attempt);
    await this.#sleep(until - performance.now());
    link.cancel(query);
    if (this.#answer === undefined && query.error !== undefined) throw query.error;
    return this.#answer;
  }

  /** Asks now and then whether the server still knows the node: it may have been restarted without its registry. */
  #scheduleCheck(): void {
    const left = this.#announceAt - performance.now();
    const wait = varied(this.#options.timings.confirmInterval);
    if (left <= wait) this.#schedule(left, () => this.announce());
    else this.#schedule(wait, () => this.#check());
  }

  async #check(): Promise<void> {
    const timer = this.#timer;
    const answer = await this.#ask(0, performance.now() + CHECK_MS).catch(() => undefined);
    // It may have been announced meanwhile.
    if (this.#closed || this.#running !== undefined || this.#timer !== timer) return;
    // With another own address the host is in another network, and the server knows the node where it was.
    const { server, local } = this.#way;
    const moved = server === this.#announcedBy.server && local !== this.#announcedBy.local;
    const { port, link, onError } = this.#options;
    if (answer?.port === port && !moved) return this.#scheduleCheck();
    if (answer !== undefined && answer.port !== port) onError(new DiscoveryError(link.server, taken(answer)));
    await this.announce();
  }

  #schedule(ms: number, run: () => Promise<void>): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void run(), Math.min(ms, MAX_TIMER_MS)).unref();
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#closed || ms <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms).unref();
    });
    clearTimeout(timer);
  }
}

function taken({ port }: Confirmed): string {
  return `another node announces this NodeID, with port ${port}`;
}

function varied(ms: number): number {
  return ms * (1 + JITTER * (2 * Math.random() - 1));
}
