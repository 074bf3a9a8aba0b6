/**
 * Announces the own program on the LAN, hears the others, and calls for all that is due later.
 *
 * One timer does everything that is due later. The receive loop checks for due work too: Bun's does not yield during a flood,
 * so the timer would be late.
 */
import { MAX_TIMER_MS } from "../timers.ts";
import type { LanNode, Timings } from "../types.ts";
import { LanNetwork, type LanNetworkOptions } from "./network.ts";
import { Schedule } from "./schedule.ts";
import { LanTable } from "./table.ts";

/** The receive loop checks for due work once in this many datagrams. */
const DATAGRAMS_PER_CHECK = 256;

/** If due work is later than this, in ms, the program was stopped (SIGSTOP, a debugger), or the computer slept. */
const LATE = 3_000;

export interface BeaconOptions extends Omit<LanNetworkOptions, "receive" | "onNewTargets"> {
  readonly timings: Pick<Timings, "lanInterval" | "lanRetention" | "interfaces">;
  /** Ends {@link Beacon.open}. */
  readonly signal?: AbortSignal | undefined;
  /** Called when there are new targets: an interface, or an address of one. */
  onNewTargets?(): void;
}

/** The part that all protocols of a LAN have in common. A subclass knows the packets of one. */
export abstract class Beacon {
  protected readonly table: LanTable;
  readonly #options: BeaconOptions;
  readonly #schedule: Schedule;
  readonly #network: LanNetwork;
  #received = 0;
  /** Unref'd, like the sockets: a beacon does not keep the process running. */
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires; below, when the interfaces are checked. All times are of performance.now(). */
  #timerAt = Number.POSITIVE_INFINITY;
  #refreshAt = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: BeaconOptions) {
    this.#options = options;
    this.table = new LanTable(options.timings.lanRetention);
    this.#schedule = new Schedule(options.timings.lanInterval);
    this.#network = new LanNetwork({
      ...options,
      receive: (datagram, address) => {
        if (this.#closed) return;
        this.receive(datagram, address);
        if (++this.#received % DATAGRAMS_PER_CHECK === 0) this.#runDue();
      },
      onNewTargets: () => {
        this.#schedule.started(performance.now());
        options.onNewTargets?.();
      },
    });
  }

  /**
   * Opens the LAN's port, and announces at once. IPv4 or IPv6 alone is enough; the other one is used once it is available.
   *
   * @throws {DiscoveryError} if there is neither; code EADDRINUSE if another program uses the port and does not share it
   * @throws the signal's reason if it is aborted
   */
  async open(): Promise<this> {
    try {
      await this.#network.open();
      this.#options.signal?.throwIfAborted();
      await this.announce();
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Announces now, on all interfaces. Resolves when that is done, whether it works or not. */
  async announce(): Promise<void> {
    const now = performance.now();
    if (this.#options.announcement !== undefined) this.#schedule.announced(now);
    await this.#refresh(now, "all");
  }

  protected abstract receive(datagram: Buffer, address: string): void;

  /** A node has expired. */
  protected abstract gone(node: LanNode): void;

  /**
   * Whether the datagram that is being received may be of the LAN: see {@link Sources}. If it is, removes what has expired, so
   * that it is not renewed.
   */
  protected believes(address: string, now: number): boolean {
    if (!this.#network.believes(address, now)) return false;
    if (now >= this.#timerAt) this.#runDue();
    return true;
  }

  /** A node was heard that may not know this one. Call it after each change of the table. */
  protected answer(now: number): void {
    if (this.#options.announcement !== undefined) this.#schedule.answer(now, this.table.size);
    this.#arm();
  }

  /** Closes the sockets and the timer. May be called twice. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#network.close();
  }

  /** Does the work that is due. */
  #runDue(): void {
    const now = performance.now();
    const late = now - this.#timerAt;
    if (late > LATE) {
      // Nothing was heard for a while. If the others may have missed this node, too, it starts again.
      this.table.putOff(now, late);
      if (late >= this.#options.timings.lanInterval) {
        this.#network.forget();
        this.#refreshAt = now;
      }
    }
    this.#timerAt = Number.POSITIVE_INFINITY;
    try {
      for (let node = this.table.expire(now); node !== undefined; node = this.table.expire(now)) this.gone(node);
      const due = this.#schedule.take(now);
      if (due !== undefined || now >= this.#refreshAt) void this.#refresh(now, due ?? "new");
    } finally {
      // Even if a listener threw an error.
      this.#arm();
    }
  }

  #refresh(now: number, announceOn: "new" | "young" | "all"): Promise<void> {
    this.#refreshAt = now + this.#options.timings.interfaces;
    const sent = this.#network.refresh(now, announceOn);
    this.#arm();
    return sent;
  }

  /** Sets the timer for the next work. */
  #arm(): void {
    const at = Math.min(this.#refreshAt, this.#schedule.at, this.table.expiresAt);
    if (this.#closed || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const delay = Math.max(1, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(() => this.#runDue(), Math.min(delay, MAX_TIMER_MS)).unref();
  }
}
