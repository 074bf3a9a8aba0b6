/** Each test runs a program of its own: whether it ends by itself is what counts. */
import { afterAll, describe, expect, test } from "bun:test";
import { testIf } from "../support/needs.ts";
import { hasNetns, NEEDS_NETNS, twoHosts } from "../support/netns.ts";
import { announcement, ascii } from "../support/packets.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

const CLIENT = JSON.stringify(new URL("../../src/client/index.ts", import.meta.url).pathname);
/** A program that has not ended by then counts as one that stays. A program that ends takes a tenth of this if nothing else runs. */
const STAYS_MS = 2_000;
/** How long a program that ends may take, on a busy machine. */
const ENDS_MS = 40_000;

/** It never replies. */
const silent = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
afterAll(() => silent.close());
const OFFLINE = `{ lan: false, servers: ["127.0.0.1:${silent.port}"] }`;
/** Nothing listens there: the port belongs to the discard protocol. */
const ANNOUNCING = '{ lan: false, servers: ["127.0.0.1:9"], nodeId: "ME", port: 1 }';

interface Outcome {
  /** `undefined`: the program was still running after the limit. */
  readonly exitCode: number | undefined;
  readonly output: string;
}

/**
 * Runs a program that has started a discoverer as `discoverer`. Without top-level await, for which Bun waits in any case.
 *
 * @param limit - how long to wait for its end, in ms
 * @param wrap - makes a command run elsewhere
 */
async function run(
  options: string,
  code: string,
  limit = ENDS_MS,
  wrap = (command: string[]) => command,
): Promise<Outcome> {
  const script = `
    import { Discoverer } from ${CLIENT};
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    async function main() {
      const discoverer = await Discoverer.start(${options});
      ${code}
    }
    void main();`;
  const child = Bun.spawn(wrap([process.execPath, "-e", script]), { stdout: "pipe", stderr: "inherit" });
  const output = child.stdout.text();
  const exitCode = await Promise.race([child.exited, Bun.sleep(limit)]);
  child.kill("SIGKILL");
  return { exitCode: exitCode ?? undefined, output: (await output).trim() };
}

const STAYS = { exitCode: undefined };
const ENDS = { exitCode: 0 };

describe("an open discoverer keeps its program running", () => {
  test.concurrent.each([
    ["by default", OFFLINE, ""],
    ["if it announces", ANNOUNCING, ""],
    ["while a lookup is pending", OFFLINE, 'void discoverer.lookup("A", { timeout: 100 });'],
    ["after ref() has undone unref()", OFFLINE, "discoverer.unref(); discoverer.unref(); discoverer.ref();"],
    ["after ref() once its sockets are open", ANNOUNCING, "discoverer.unref(); await sleep(100); discoverer.ref();"],
  ])("%s", async (_when, options, code) => {
    expect(await run(options, code, STAYS_MS)).toMatchObject(STAYS);
  });
});

describe("a program ends by itself after unref()", () => {
  test.concurrent.each([
    ["of a discoverer that does nothing", OFFLINE, "discoverer.unref();"],
    ["before the sockets are open", ANNOUNCING, "discoverer.unref();"],
    ["of a discoverer that announces, after its sockets are open", ANNOUNCING, "await sleep(100); discoverer.unref();"],
    ["with sockets and timers that were opened later", OFFLINE, 'discoverer.unref(); void discoverer.lookup("A");'],
    [
      "with thousands of pending lookups",
      OFFLINE,
      `discoverer.unref();
       const ids = Array.from({ length: 5_000 }, (_, i) => "NODE-" + i);
       for await (const _ of discoverer.lookupMany(ids)) console.log("a result");`,
    ],
    ["in a loop over watch()", OFFLINE, "discoverer.unref(); for await (const _ of discoverer.watch());"],
    ["of an announcement that waits for its retry", ANNOUNCING, "await discoverer.announce(); discoverer.unref();"],
    ["and ref() after close()", OFFLINE, "await discoverer.close(); discoverer.ref(); discoverer.unref().ref();"],
  ])("%s", async (_when, options, code) => {
    expect(await run(options, code)).toEqual({ exitCode: 0, output: "" });
  });

  test("without the result of a pending lookup", async () => {
    const code = 'discoverer.unref(); console.log(await discoverer.lookup("A", { timeout: 1_000 }));';
    expect(await run(OFFLINE, code)).toEqual({ exitCode: 0, output: "" });
  });
});

test("a discoverer works after unref() while something else keeps the program running", async () => {
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data: (socket, _query, port, address) => {
        socket.send(announcement(ascii("A"), 22000, Uint8Array.of(192, 0, 2, 1)), port, address);
      },
      error() {},
    },
  });
  try {
    const options = `{ lan: false, servers: ["127.0.0.1:${server.port}"] }`;
    const code = `
      discoverer.unref();
      const running = setTimeout(() => {}, 20_000);
      const { ip, port } = await discoverer.lookup("A");
      console.log(ip, port, await discoverer.lookup("B", { timeout: 50 }));
      clearTimeout(running);`;
    expect(await run(options, code)).toEqual({ exitCode: 0, output: "192.0.2.1 22000 undefined" });
  } finally {
    server.close();
  }
});

test("a start that failed does not keep its program running", async () => {
  const code = `
    await Discoverer.start({ servers: "127.0.0.1" }).catch((error) => console.log(error.name));
    await discoverer.close();`;
  expect(await run(OFFLINE, code)).toEqual({ exitCode: 0, output: "TypeError" });
});

testIf(hasNetns, NEEDS_NETNS)(
  "on the LAN a program stays while its discoverer is open, and ends by itself after unref()",
  async () => {
    await using hosts = await twoHosts();
    const wrap = (command: string[]) => hosts.a.command(command);
    const on = (nodeId: string, code: string, limit = ENDS_MS) =>
      run(`{ nodeId: "${nodeId}", port: 22000 }`, code, limit, wrap);
    const [open, ...ended] = await Promise.all([
      on("A", "", 2 * STAYS_MS),
      on("B", "discoverer.unref();"),
      on("C", "await sleep(100); discoverer.unref(); for await (const _ of discoverer.watch());"),
      // Until it has heard one of the others.
      on(
        "D",
        `discoverer.unref();
         const running = setInterval(() => {}, 1_000);
         discoverer.on("node", () => { console.log("a node"); clearInterval(running); });`,
      ),
    ]);
    expect(open).toMatchObject(STAYS);
    for (const outcome of ended) expect(outcome).toMatchObject(ENDS);
    expect(ended[2]!.output).toContain("a node");
    // Another program uses the port and does not share it.
    const taken = `
      const socket = await Bun.udpSocket({ hostname: "0.0.0.0", port: 21025 });
      await Discoverer.start().catch((error) => console.log(error.code));
      socket.close();
      await discoverer.close();`;
    expect(await run(OFFLINE, taken, ENDS_MS, wrap)).toEqual({ exitCode: 0, output: "EADDRINUSE" });
  },
  TEST_LIMIT_MS,
);
