/**
 * The server could not start, or failed while it ran.
 *
 * @example
 * ```ts
 * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
 * try {
 *   await DiscoveryServer.start({ host: "127.0.0.1", port: server.port });
 * } catch (error) {
 *   if (!(error instanceof ServerError)) throw error;
 *   error.code; // => "EADDRINUSE"
 * }
 * ```
 */
export class ServerError extends Error {
  override readonly name = "ServerError";
  /**
   * The code of the system's error, such as EADDRINUSE, or of the journal's error; `xdp` if the transport of that name cannot serve its
   * interface; `undefined` if there is none.
   */
  readonly code: string | undefined;

  /**
   * @param message - the reason, for people
   * @param code - the code of the underlying error
   */
  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/** @param error - the error of a worker; `host` is the one at which it failed */
export function cannotListen(
  hosts: readonly string[],
  port: number,
  { code, message, host }: ServerError & { readonly host?: string },
): ServerError {
  const where = (host === undefined ? hosts : [host]).map((one) => `${one.includes(":") ? `[${one}]` : one}:${port}`);
  return new ServerError(`cannot listen on ${where.join(" and ")}: ${listenReason(code, message)}`, code);
}

/** Clear texts for common errors of the system. */
export function listenReason(code: string | undefined, message: string): string {
  switch (code) {
    case "EADDRINUSE":
      return "the port is in use";
    case "EACCES":
      return "not permitted (ports below 1024 need privileges)";
    case "EADDRNOTAVAIL":
      return "no interface of this host has that address";
    case "ENODEV":
      return "this host has no interface with the name or number after the %";
    case "EAFNOSUPPORT":
      return "this host has no IPv6 (listen on 0.0.0.0 instead)";
    default:
      return message;
  }
}
