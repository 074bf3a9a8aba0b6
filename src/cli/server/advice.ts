/** What to do about an error that keeps the server from starting: commands and flags that a library's text cannot name. */
import { ServerError } from "../../server/index.ts";

/** @returns undefined if the error's text says it all */
export function adviceFor(error: unknown, port: number, journal: string): string | undefined {
  if (!(error instanceof ServerError)) return undefined;
  const { code, message } = error;
  if (!message.startsWith("cannot listen")) return journalAdvice(message, journal);
  if (/^cannot listen on https? /.test(message)) {
    return code === "EADDRINUSE" ? `"ss -ltnp" shows which program has it` : undefined;
  }
  if (code === "EADDRINUSE") return `"ss -lunp" shows which program has it, and --port takes another one`;
  if (code === "EACCES" && port < 1024) {
    return `take a --port from 1024 on, let the socket unit of systemd bind it, or run setcap cap_net_bind_service=+ep ${process.execPath}`;
  }
  if (code === "EADDRNOTAVAIL") return `"ip address" lists its addresses, and without --host all are used`;
  return undefined;
}

/** The journal's own texts name --journal. They do not tell where the default folder comes from. */
function journalAdvice(message: string, journal: string): string | undefined {
  if (journal !== "sqlite" || !/ cannot be (?:created|written|read)/.test(message)) return undefined;
  const { STATE_DIRECTORY } = Bun.env;
  return STATE_DIRECTORY
    ? "its folder is that of the variable STATE_DIRECTORY, which systemd sets for StateDirectory="
    : "the variable STATE_DIRECTORY sets another folder";
}
