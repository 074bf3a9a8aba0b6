/**
 * The server could not start, or lost its workers.
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
  /** The system's code, EADDRINUSE say, where it gave one. */
  readonly code: string | undefined;

  /**
   * @param message - why, for people
   * @param code - the system's code, where it gave one
   */
  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

export function cannotListen(host: string, port: number, { code, message }: ServerError): ServerError {
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return new ServerError(`cannot listen on ${where}: ${reason(code, message)}`, code);
}

/** What a person can do about it, for the errors that a person meets. */
function reason(code: string | undefined, message: string): string {
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
