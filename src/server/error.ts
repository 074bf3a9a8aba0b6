/** The server could not start, or lost its workers. `code` is the system's (EADDRINUSE, say) where it gave one. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: string | undefined;

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
    case "ENOENT":
      return "the name is not known";
    case "EAFNOSUPPORT":
      return "this host has no IPv6 (listen on 0.0.0.0 instead)";
    default:
      return message;
  }
}
