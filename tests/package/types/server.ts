/** A user's program for the server, to be compiled without the types of the DOM and of Bun. */
import {
  DEFAULT_PORT,
  DiscoveryServer,
  defaultServerOptions,
  formatNetwork,
  type Network,
  type OptionError,
  parseNetwork,
  type ResolvedServerOptions,
  ServerError,
  type ServerStats,
} from "whereabouts/server";

export async function serve(): Promise<ServerStats | string | undefined> {
  const office: Network = parseNetwork("192.0.2.0/24");
  const allow = [office, "2001:db8::/32"];
  try {
    await using server = await DiscoveryServer.start({ ...defaultServerOptions(), port: DEFAULT_PORT, allow });
    const options: ResolvedServerOptions = server.options;
    options.allow.map(formatNetwork).join(", ");
    return server.address === "::" ? undefined : server.stats();
  } catch (error) {
    return error instanceof ServerError ? error.code : (error as OptionError).option;
  }
}
