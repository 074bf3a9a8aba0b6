/** The addresses of a server's name, in the order in which they are asked. */
import { builtin } from "../builtin.ts";
import { DiscoveryError } from "../error.ts";
import { familyOf } from "../ip.ts";
import { codeOf } from "../sockets/index.ts";
import { parseServer } from "./address.ts";
import { FAILED_MS, Path, type PathHandlers } from "./path.ts";

/** How long the addresses of a name are used for queries. */
const RESOLVED_MS = 60_000;

export class Addresses {
  /** First the one that answered last, last those that failed. */
  paths: readonly Path[] = [];
  /** Why the name could not be resolved the last time, if it never was. */
  error: Error | undefined;
  readonly #host: string;
  readonly #port: number;
  readonly #handlers: PathHandlers;
  #resolving: Promise<void> | undefined;
  #resolveAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** @throws as {@link parseServer} does */
  constructor(
    readonly server: string,
    handlers: PathHandlers,
  ) {
    const { host, port } = parseServer(server);
    this.#host = host;
    this.#port = port;
    this.#handlers = handlers;
  }

  /** Whether it is time to resolve the name again, or for the first time. */
  get stale(): boolean {
    return performance.now() >= this.#resolveAt;
  }

  /** Why no address can be reached. @param failed - the latest failures of a query */
  failure(failed: ReadonlyMap<Path, Error> | undefined): DiscoveryError {
    const errors = [this.error, ...this.paths.map(({ error }) => error), ...(failed?.values() ?? [])];
    const cause = errors.findLast((error) => error !== undefined)!;
    return new DiscoveryError(this.server, reasonOf(cause), { code: codeOf(cause), cause });
  }

  /** Resolves the name. If that fails, the addresses so far are kept. Never rejects. */
  resolve(): Promise<void> {
    this.#resolveAt = Number.POSITIVE_INFINITY;
    this.#resolving ??= this.#resolve().finally(() => {
      this.#resolving = undefined;
    });
    return this.#resolving;
  }

  /** Asks this address before, or after, all others from now on. */
  move(path: Path, to: "first" | "last"): void {
    if (this.paths.at(to === "first" ? 0 : -1) === path || !this.paths.includes(path)) return;
    const others = this.paths.filter((other) => other !== path);
    this.paths = to === "first" ? [path, ...others] : [...others, path];
  }

  close(): void {
    this.#closed = true;
    for (const path of this.paths) path.close();
  }

  async #resolve(): Promise<void> {
    let wait = RESOLVED_MS;
    this.error = undefined;
    try {
      const found = new Set(await this.#ips());
      if (this.#closed) return;
      const known = new Map(this.paths.map((path) => [path.ip, path]));
      const paths = [...found].map((ip) => known.get(ip) ?? new Path(ip, this.#port, this.#handlers));
      for (const path of this.paths) if (!found.has(path.ip)) path.close();
      const first = this.paths[0];
      this.paths = paths;
      if (first !== undefined && first.error === undefined) this.move(first, "first");
      for (const path of paths) path.error = undefined;
    } catch (error) {
      wait = FAILED_MS;
      if (this.paths.length === 0) this.error = error as Error;
    }
    this.#resolveAt = performance.now() + wait;
  }

  async #ips(): Promise<string[]> {
    if (familyOf(this.#host) !== undefined) {
      const zone = this.#host.split("%")[1];
      const { networkInterfaces } = builtin<typeof import("node:os")>("node:os");
      if (zone !== undefined && !(zone in networkInterfaces())) throw new Error(`there is no interface ${zone}`);
      return [this.#host];
    }
    const dns = builtin<typeof import("node:dns/promises")>("node:dns/promises");
    const addresses = await dns.lookup(this.#host, { all: true });
    if (addresses.length === 0) throw new Error("the name has no address");
    return addresses.map(({ address }) => address);
  }
}

/** The system's message, or for common errors what they mean. */
function reasonOf(error: Error): string {
  const code = codeOf(error);
  if (code === "ECONNREFUSED") return "no server listens there (ECONNREFUSED)";
  if (code === "EMFILE" || code === "ENFILE") return `too many open files (${code})`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `the name does not resolve (${code})`;
  return error.message;
}
