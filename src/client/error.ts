/**
 * A failure that will be retried: the network is down, for instance, or a name does not resolve. It is delivered as an
 * `error` event. {@link Discoverer.start} throws one if it cannot listen on the LAN.
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
  /** The system's error code, such as ENETUNREACH, if there is one. */
  readonly code: string | undefined;
  /** The part that failed: `lan`, the name of an interface, a server as given, or `servers` if a lookup could reach none of several. */
  readonly where: string;

  /**
   * @param where - what failed
   * @param message - why, for people
   * @param options - `code`: the system's error code; `cause`: the original error
   */
  constructor(where: string, message: string, options: { code?: string | undefined; cause?: unknown } = {}) {
    super(`${where}: ${message}`, { cause: options.cause });
    this.code = options.code;
    this.where = where;
  }
}
