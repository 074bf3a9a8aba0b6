/** Sockets are renewed: when they are old, when nothing comes back, and when the host has changed networks. */
import { afterEach, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { Discoverer } from "../../../src/client/index.ts";
import { runtime } from "../../../src/client/sockets/index.ts";
import { nodeSockets } from "../../../src/client/sockets/node.ts";
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../../support/netns.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";
import { ADDRESSES, PORT, serverNetwork } from "./network.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const CLIENT = JSON.stringify(new URL("../../../src/client/index.ts", import.meta.url).pathname);
const SOCKETS = JSON.stringify(new URL("../../../src/client/sockets/", import.meta.url).pathname);
const IP = Uint8Array.of(192, 0, 2, 1);

let advanced = 0;
const realNow = performance.now.bind(performance);
const clock = spyOn(performance, "now").mockImplementation(() => realNow() + advanced);
afterEach(() => {
  advanced = 0;
  runtime.sockets = own;
});
const own = runtime.sockets;

/** A server that records from which ports it was asked. It replies to queries for KNOWN only. */
async function recordingServer() {
  const ports: number[] = [];
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(socket, query, port, address) {
        ports.push(port);
        if (query.includes("KNOWN")) socket.send(announcement(ascii("KNOWN"), 5, IP), port, address);
      },
      error() {},
    },
  });
  const servers = [`127.0.0.1:${socket.port}`];
  return { ports, servers, [Symbol.asyncDispose]: async () => socket.close() };
}

for (const name of ["Bun", "Node"]) {
  const use = () => {
    runtime.sockets = name === "Bun" ? own : nodeSockets;
  };

  test(`sockets of ${name} are used for a minute`, async () => {
    use();
    await using server = await recordingServer();
    await using discoverer = await Discoverer.start({ lan: false, servers: server.servers });
    const ask = () => discoverer.lookup("KNOWN", { fresh: true, confirm: false });
    await ask();
    advanced = 30_000;
    await ask();
    advanced = 61_000;
    await ask();
    expect(server.ports).toHaveLength(3);
    expect(server.ports[1]).toBe(server.ports[0]!);
    expect(server.ports[2]).not.toBe(server.ports[0]!);
  });

  test(`sockets of ${name} are renewed after ten seconds in which nothing came back`, async () => {
    use();
    await using server = await recordingServer();
    await using discoverer = await Discoverer.start({ lan: false, servers: server.servers });
    const ask = async (nodeId: string) => {
      const before = server.ports.length;
      discoverer.lookup(nodeId, { timeout: 20, confirm: false }).catch(() => {});
      await until(() => server.ports.length > before, "the query");
    };
    await discoverer.lookup("KNOWN", { confirm: false });
    // Nothing was sent meanwhile.
    advanced = 20_000;
    await ask("NOBODY-1");
    advanced = 29_000;
    await ask("NOBODY-2");
    expect(new Set(server.ports).size).toBe(1);
    advanced = 31_000;
    await ask("NOBODY-3");
    expect(new Set(server.ports).size).toBe(2);
  });

  testIf(hasNetns, NEEDS_NETNS)(`a lookup works after the host got another address (${name})`, async () => {
    await using network = await serverNetwork();
    const script = `
      const { Discoverer } = await import(${CLIENT});
      const { runtime } = await import(${SOCKETS} + "index.ts");
      if (${name === "Node"}) runtime.sockets = (await import(${SOCKETS} + "node.ts")).nodeSockets;
      const discoverer = await Discoverer.start({ lan: false, servers: ["${ADDRESSES.v4.right}:${PORT}"] });
      const look = async () => console.log((await discoverer.lookup("KNOWN", { fresh: true }).catch(String))?.port);
      await look();
      for await (const _changed of process.stdin) break;
      await look();
      process.exit();`;
    const command = network.client.command([process.execPath, "-e", script]);
    const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    const lines: string[] = [];
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      lines.push(decoder.decode(chunk));
      if (lines.length > 1) break;
      network.client.run("ip addr del 10.9.0.1/24 dev a0; ip addr add 10.9.0.77/24 dev a0");
      child.stdin.write("changed\n");
      child.stdin.end();
    }
    await child.exited;
    expect(lines.join("")).toBe("7777\n7777\n");
  });
}

test("the clock of these tests is the real one again afterwards", () => {
  clock.mockRestore();
  expect(Math.abs(performance.now() - realNow())).toBeLessThan(1_000);
});
