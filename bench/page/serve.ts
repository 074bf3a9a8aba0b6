/** `bun run bench:page [PORT]`: serves the bench page for any browser, until it is interrupted. */
import { nameOf, optionsOf, wholeNumber } from "../options.ts";
import { servePage } from "./server.ts";

const program = {
  command: "bun run bench:page",
  about: "Serves the codec and XDR benches as a web page on 127.0.0.1, for any browser, until Ctrl-C.",
  flags: {
    port: wholeNumber({ min: 0, max: 65535, default: 0, help: "TCP port of the page; 0 takes a free one" }),
  },
  positional: "port",
} as const;

const { port } = optionsOf(program);
try {
  const { url } = await servePage(port);
  console.log(`open ${url} (one suite: ${url}?only=codec); stop with Ctrl-C`);
} catch (error) {
  console.error(`${nameOf(program)}: ${(error as Error).message}`);
  process.exit(1);
}
