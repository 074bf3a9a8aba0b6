/** The flags `--admin` and `--admin-token`. */
import type { Command } from "commander";
import type { AdminServer } from "../../admin/index.ts";
import { type AdminOptionError, type AdminOptions, checkAdminOptions } from "../../admin/options.ts";
import { ServerError } from "../../server/index.ts";
import { optionErrorText } from "../errors.ts";
import { visible } from "../terminal/style.ts";

/** The options of the admin server; undefined if it is off. Ends the command with one line if they are wrong. */
export function adminOptions(address: string, token: string | undefined, command: Command): AdminOptions | undefined {
  if (address === "off") return undefined;
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const options: AdminOptions = { host, port: Number(address.slice(colon + 1)), token };
  try {
    checkAdminOptions(options);
  } catch (error) {
    const { option, message } = error as AdminOptionError;
    const flag = option === "token" ? "adminToken" : "admin";
    const named = Object.assign(new Error(message.replace(option, flag)), { option: flag });
    command.error(`error: ${optionErrorText(named, command)}`, { exitCode: 2 });
  }
  return options;
}

/** Starts the admin server, if it is not off. Ends the command with one line if it cannot listen. */
export async function startAdmin(
  options: AdminOptions | undefined,
  command: Command,
): Promise<AdminServer | undefined> {
  if (options === undefined) return undefined;
  const { AdminServer } = await import("../../admin/index.ts");
  try {
    return await AdminServer.start(options);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return command.error(`error: ${visible(error.message)}`, { exitCode: 1 });
  }
}
