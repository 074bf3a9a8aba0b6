/** `bun run bench:page [PORT]`: serves the page of the bench, for any browser, until it is interrupted. */
import { servePage } from "./server.ts";

if (Bun.argv.slice(2).some((argument) => argument === "--help" || argument === "-h")) {
  console.log(`Usage: bun run bench:page [PORT]

  PORT            where to serve it, on 127.0.0.1; default: 0, a free one
  -h, --help      this`);
  process.exit(0);
}
const port = Number(Bun.argv[2] ?? 0);
if (!Number.isInteger(port) || port < 0 || port > 65535 || Bun.argv.length > 3) {
  console.error("bench: the port must be 0 to 65535; usage: bun run bench:page [PORT]");
  process.exit(2);
}
try {
  const { url } = await servePage(port);
  console.log(`open ${url} (only a part: ${url}?only=codec); Ctrl-C ends this`);
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exit(1);
}
