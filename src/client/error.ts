/**
 * Something did not work that will be tried again: a network that is not there, a name that does not resolve. Comes as an
 * `error` event; {@link Discoverer.start} throws one if there is no way to listen on the LAN.
 *
 * @example
 * ```ts
 * // Nobody listens on that port.
 * const options = { nodeId: "MY-NODE", port: 22000, servers: ["127.0.0.1:1"], lan: false };
 * await using discoverer = await Discoverer.start(options);
 *
 * const error = await new Promise<DiscoveryError>((resolve) => discoverer.on("error", resolve));
 * [error.where, error.code]; // => ["127.0.0.1:1", "ECONNREFUSED"]
 * ```
 */
export class DiscoveryError extends Error {
  override readonly name = "DiscoveryError";
  /** The system's code, ENETUNREACH say, where it gave one. */
  readonly code: string | undefined;
  /** What it happened with: `lan`, the name of an interface, or a server as it was given. */
  readonly where: string;

  /**
   * @param where - what it happened with
   * @param message - why, for people
   * @param options - `code`, the system's; `cause`, the error that this one comes from
   */
  constructor(where: string, message: string, options: { code?: string | undefined; cause?: unknown } = {}) {
    super(`${where}: ${message}`, { cause: options.cause });
    this.code = options.code;
    this.where = where;
  }
}
