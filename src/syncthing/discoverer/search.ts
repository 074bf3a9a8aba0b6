/** The search for one device. Lookups of the same device at the same time share it. */
import { DiscoveryError } from "../../client/error.ts";
import type { Answer, ServerLookups } from "./server-lookups.ts";
import type { DeviceAddresses } from "./types.ts";

/** Ends a lookup: with the addresses, or with why nobody could be asked, or with neither if nobody knows the device. */
export type OnResult = (found: DeviceAddresses | undefined, error?: Error) => void;

export interface SearchOptions {
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly deviceId: string;
  readonly servers: readonly ServerLookups[];
  /** Until when devices of the LAN may answer to the own start, on the clock of performance.now(); undefined without the LAN. */
  readonly lanUntil: number | undefined;
  /** Called once. */
  onEnd(): void;
}

export class Search {
  readonly #options: SearchOptions;
  readonly #waiting = new Set<OnResult>();
  /** The answer of each server; `undefined` while it is being asked. */
  readonly #answers = new Map<ServerLookups, Answer | DiscoveryError | undefined>();
  readonly #end = new AbortController();
  #lanTimer: NodeJS.Timeout | undefined;

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  /** @param fresh - asks the servers even if they have answered lately that they do not know the device */
  join(onResult: OnResult, fresh: boolean): void {
    this.#waiting.add(onResult);
    for (const server of this.#options.servers) {
      const answer = this.#answers.get(server);
      const asking = answer === undefined && this.#answers.has(server);
      // A server that could not be asked may be back.
      if (asking || (answer === "unknown" && !fresh)) continue;
      const known = fresh ? undefined : server.cached(this.#options.deviceId);
      this.#answers.set(server, known);
      if (known === undefined) void this.#ask(server);
    }
    this.#endIfAnswered();
  }

  /** A lookup does not wait any more. */
  leave(onResult: OnResult): void {
    this.#waiting.delete(onResult);
    if (this.#waiting.size === 0) this.end(undefined);
  }

  /** Ends all lookups that wait. */
  end(found: DeviceAddresses | undefined, error?: Error): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    clearTimeout(this.#lanTimer);
    this.#options.onEnd();
    for (const onResult of this.#waiting) onResult(found, error);
    this.#waiting.clear();
  }

  /** Why no server could be asked, if none could. */
  get error(): DiscoveryError | undefined {
    return nobodyAsked([...this.#answers.values()]);
  }

  /**
   * As {@link error}, for a lookup whose time is over: a server that has not answered cannot be asked either.
   *
   * @param ms - how long the lookup has waited
   */
  errorAfter(ms: number): DiscoveryError | undefined {
    return nobodyAsked([...this.#answers].map(([server, answer]) => answer ?? noAnswer(server.name, ms)));
  }

  async #ask(server: ServerLookups): Promise<void> {
    const { id, deviceId } = this.#options;
    const { signal } = this.#end;
    try {
      const answer = await server.ask(id, deviceId, signal);
      if (signal.aborted) return;
      this.#answers.set(server, answer);
      if (answer !== "unknown") return this.end(answer);
    } catch (error) {
      if (signal.aborted) return;
      this.#answers.set(server, error as DiscoveryError);
    }
    this.#endIfAnswered();
  }

  /** Without a server that has answered, the LAN is waited for until the lookups time out. */
  #endIfAnswered(): void {
    const { lanUntil } = this.#options;
    const answers = [...this.#answers.values()];
    if (this.#end.signal.aborted || answers.includes(undefined)) return;
    const { error } = this;
    if (lanUntil !== undefined && (answers.length === 0 || error !== undefined)) return;
    clearTimeout(this.#lanTimer);
    const left = (lanUntil ?? 0) - performance.now();
    if (left <= 0) this.end(undefined, error);
    else this.#lanTimer = setTimeout(() => this.end(undefined), left).unref();
  }
}

/** The reasons of all servers, if none of them has answered. */
function nobodyAsked(answers: readonly (Answer | DiscoveryError | undefined)[]): DiscoveryError | undefined {
  const errors = answers.filter((answer) => answer instanceof DiscoveryError);
  const last = errors.at(-1);
  if (last === undefined || errors.length < answers.length) return undefined;
  if (errors.length === 1) return last;
  const message = errors.map(({ message }) => message).join("; ");
  return new DiscoveryError("servers", message, { code: last.code, cause: last });
}

function noAnswer(server: string, ms: number): DiscoveryError {
  return new DiscoveryError(server, `no answer within ${ms / 1000} s (ETIMEDOUT)`, { code: "ETIMEDOUT" });
}
