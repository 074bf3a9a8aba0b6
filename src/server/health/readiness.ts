/** Whether a server serves. docs/reliability.md says what is checked, and why. */
import type { Readiness, ReadinessCheck } from "../inspect.ts";

/** How long a result is used again, so that many requests cost no more than one. */
const REUSE_MS = 1000;
/** For how long a server that could not read its journal at the start counts as not ready. */
const JOURNAL_MS = 60_000;

export interface ReadinessSources {
  /** The number of workers. */
  readonly workers: number;
  /** The number of workers that listen. */
  readonly listening: () => number;
  /** The numbers of the workers without a heartbeat, or that are being replaced. */
  readonly missing: () => readonly number[];
  /** Whether the journal was read. */
  readonly restored: () => boolean;
  readonly probe: () => Promise<ReadinessCheck>;
}

export class ReadinessChecks {
  readonly #sources: ReadinessSources;
  readonly #startedAt = performance.now();
  #current: Promise<Readiness> | undefined;
  #stopping = false;

  constructor(sources: ReadinessSources) {
    this.#sources = sources;
  }

  /** One check at a time. Its result is used again for a second. Never rejects. */
  check(): Promise<Readiness> {
    if (this.#stopping) return Promise.resolve(STOPS);
    this.#current ??= this.#check();
    return this.#current;
  }

  /** From now on the server is not ready. */
  stop(): void {
    this.#stopping = true;
  }

  async #check(): Promise<Readiness> {
    const probe = await this.#sources.probe();
    setTimeout(() => {
      this.#current = undefined;
    }, REUSE_MS).unref();
    if (this.#stopping) return STOPS;
    const checks = [this.#sockets(), this.#journal(), this.#workers(), probe];
    return { ready: checks.every(({ ok }) => ok), checks };
  }

  #sockets(): ReadinessCheck {
    const { workers, listening } = this.#sources;
    const open = listening();
    return { name: "sockets", ok: open > 0, text: `${open} of ${workers} workers have their sockets open` };
  }

  #journal(): ReadinessCheck {
    if (this.#sources.restored()) return { name: "journal", ok: true, text: "the journal was read" };
    const left = Math.ceil((this.#startedAt + JOURNAL_MS - performance.now()) / 1000);
    const text = "the journal could not be read yet, so only nodes that announced themselves since the start are known";
    return left > 0
      ? { name: "journal", ok: false, text: `${text}; the server counts as ready all the same in ${left} s` }
      : { name: "journal", ok: true, text };
  }

  #workers(): ReadinessCheck {
    const missing = this.#sources.missing();
    if (missing.length === 0) return { name: "workers", ok: true, text: "every worker has a heartbeat" };
    const which = missing.map((number) => `worker ${number}`).join(", ");
    return { name: "workers", ok: false, text: `no heartbeat, or being replaced: ${which}` };
  }
}

const STOPS: Readiness = {
  ready: false,
  checks: [{ name: "sockets", ok: false, text: "the server is stopping" }],
};
