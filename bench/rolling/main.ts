/** `bun run bench:rolling`: servers that are replaced under load. How many queries are lost, and how many nodes. */
import { join } from "node:path";
import { parseAddress } from "../../src/transport/host.ts";
import { bindSocket } from "../../src/transport/socket.ts";
import { Folder } from "../../tests/support/folder.ts";
import { Redis } from "../../tests/support/redis.ts";
import { optionsOf, someOf, toggle, wholeNumber } from "../options.ts";
import { Load } from "./load.ts";

const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
/** Of all queries, this part may be lost. */
const MAX_LOST = 0.001;
const PARTS = ["share-port", "socket"] as const;
/** Between two restarts. */
const PAUSE_MS = 300;

const options = optionsOf({
  command: "bun run bench:rolling",
  about: `Servers that are replaced under load: how many queries and nodes are lost.
  share-port  the new server starts with --share-port, then the old one is stopped; they share a journal in Redis
  socket      the old server is stopped, then the new one starts; they get a socket that stays open, as from
              systemd, and have a journal in a file
Every address is served (--host ::). Exit code 1 if a node is lost, or more than 0.1 % of the queries.`,
  flags: {
    only: someOf({
      names: PARTS,
      value: "<part>",
      default: PARTS,
      help: `one of ${PARTS.join(", ")}; may be repeated`,
    }),
    restarts: wholeNumber({ min: 1, max: 1000, default: 10, help: "how often the server is replaced" }),
    nodes: wholeNumber({ min: 1, max: 100_000, default: 5000, help: "registered nodes" }),
    rate: wholeNumber({ min: 1, max: 100_000, default: 3000, help: "queries per second" }),
    json: toggle("print one line of JSON"),
  },
});

type Server = Bun.Subprocess<"ignore", "pipe", "inherit">;

/** @param fds - descriptors that it gets from 3 on, as from systemd */
async function serve(args: readonly string[], fds: readonly number[] = []): Promise<Server> {
  const shell = 'export LISTEN_PID=$$; exec "$0" "$@"';
  const flags = ["--admin", "off", "--workers", "2", "--allow", "127.0.0.0/8", ...args];
  const child = Bun.spawn(["sh", "-c", shell, process.execPath, MAIN, "server", ...flags], {
    env: { PATH: Bun.env.PATH!, LISTEN_FDS: `${fds.length}` },
    stdio: ["ignore", "pipe", "inherit", ...fds],
  }) as Server;
  let log = "";
  const decoder = new TextDecoder();
  const reader = child.stdout.getReader();
  while (!log.includes("listens on")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the server ended: ${log}`);
    log += decoder.decode(value, { stream: true });
  }
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return child;
}

async function stop(server: Server): Promise<void> {
  server.kill("SIGTERM");
  if ((await server.exited) !== 0) throw new Error(`the server ended with exit code ${server.exitCode}`);
}

async function measure(port: number, first: Server, replace: (old: Server) => Promise<Server>) {
  using load = await Load.open(port, options.nodes);
  await load.announceAll();
  // Until a journal has them.
  await Bun.sleep(1000);
  load.start(options.rate);
  let server = first;
  for (let i = 0; i < options.restarts; i++) {
    await Bun.sleep(PAUSE_MS);
    server = await replace(server);
  }
  await Bun.sleep(PAUSE_MS);
  await load.stop();
  const known = await load.askAll();
  await stop(server);
  const { asked, answered, longestPause } = load;
  return { restarts: options.restarts, nodes: options.nodes, known, asked, lost: asked - answered, longestPause };
}

async function sharePort() {
  await using redis = await Redis.start();
  // A port that is free now: the servers share it from the first one on.
  const { port, close } = bindSocket({ address: parseAddress("::"), port: 0, receiveBuffer: 1 << 16 });
  close();
  const args = ["--host", "::", "--port", `${port}`, "--share-port", "--journal", redis.url];
  return await measure(port, await serve(args), async (old) => {
    const next = await serve(args);
    await stop(old);
    return next;
  });
}

async function socket() {
  using folder = new Folder();
  const { fd, port, close } = bindSocket({ address: parseAddress("::"), port: 0, receiveBuffer: 8 << 20 });
  const args = ["--journal", `sqlite:${folder.at("registry.db")}`];
  try {
    return await measure(port, await serve(args, [fd]), async (old) => {
      await stop(old);
      return await serve(args, [fd]);
    });
  } finally {
    close();
  }
}

const results: Record<string, Awaited<ReturnType<typeof measure>>> = {};
for (const part of options.only) results[part] = await (part === "socket" ? socket() : sharePort());
const failed = Object.values(results).some(({ nodes, known, asked, lost }) => known < nodes || lost > MAX_LOST * asked);
if (options.json) console.log(JSON.stringify(results));
else {
  for (const [part, { restarts, nodes, known, asked, lost, longestPause }] of Object.entries(results)) {
    console.log(
      `${part}: ${restarts} restarts, ${asked} queries, ${lost} lost (${((100 * lost) / asked).toFixed(3)} %), ` +
        `longest pause ${Math.round(longestPause)} ms; ${known} of ${nodes} nodes known afterwards`,
    );
  }
  console.log(failed ? "a target was missed" : "no node lost, and fewer than 0.1 % of the queries");
}
process.exit(failed ? 1 : 0);
