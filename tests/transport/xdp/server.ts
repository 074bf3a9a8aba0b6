/**
 * A discovery server, as a program in a virtual host: `server.ts OPTIONS`, with the options as JSON. Prints its port. For each
 * line of its standard input it prints {@link Counts} as JSON, and it stops when its standard input ends. Its warnings go to standard error.
 */
import { configure } from "@logtape/logtape";
import { DiscoveryServer, type ServerStats } from "../../../src/server/index.ts";
import { packetsOfKernel } from "./kernel.ts";

export interface Counts {
  readonly verdicts: ServerStats["verdicts"];
  /** Replies that could not be sent. */
  readonly unsent: number;
  /** How the program of the transport xdp is attached. */
  readonly mode: string | undefined;
  /** Packets of IPv4 and IPv6 that the kernel received in this host. */
  readonly kernel: number;
}

await configure({
  sinks: { error: ({ level, message }) => console.error(`${level}: ${message.join("")}`) },
  loggers: [{ category: [], lowestLevel: "warning", sinks: ["error"] }],
});
const server = await DiscoveryServer.start(JSON.parse(process.argv[2]!));
console.log(server.port);
for await (const _ of console) {
  const { verdicts, unsent, xdp } = server.stats();
  const counts: Counts = { verdicts, unsent, mode: xdp?.mode, kernel: packetsOfKernel() };
  console.log(JSON.stringify(counts));
}
await server.stop();
