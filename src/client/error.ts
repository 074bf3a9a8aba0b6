/** Something did not work that will be tried again: a network that is not there, a name that does not resolve. */
export class DiscoveryError extends Error {
  override readonly name = "DiscoveryError";
  /** The system's code, ENETUNREACH say, where it gave one. */
  readonly code: string | undefined;
  /** What it happened with: `lan`, the name of an interface, or a server as it was given. */
  readonly where: string;

  constructor(where: string, message: string, options: { code?: string | undefined; cause?: unknown } = {}) {
    super(`${where}: ${message}`, { cause: options.cause });
    this.code = options.code;
    this.where = where;
  }
}
