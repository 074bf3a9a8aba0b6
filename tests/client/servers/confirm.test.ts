/** Forged answers: an attacker sends them with the server's address to all ports of the client. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { ASKED, ASKED_UNDER_ATTACK, Heard, OPEN } from "../../../src/client/servers/heard.ts";
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../../support/netns.ts";
import type { Spray } from "../../support/spray.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import type { ConfirmTask } from "./confirm-agent.ts";
import { ADDRESSES, PORT, type ServerNetwork, serverNetwork } from "./network.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const AGENT = new URL("./confirm-agent.ts", import.meta.url).pathname;
const SPRAY = new URL("../../support/spray.ts", import.meta.url).pathname;
/** Few ports, so that the attack is as strong on a slow machine as it is on a fast one with all ports. */
const PORTS = [40_000, 41_999] as const;

async function lookUpUnderAttack(
  { client, server }: ServerNetwork,
  attack: { nodeIds: string[]; addresses: number },
  task: Omit<ConfirmTask, "server">,
): Promise<(number | null)[]> {
  client.run(`echo ${PORTS.join(" ")} > /proc/sys/net/ipv4/ip_local_port_range`);
  const spray: Spray = {
    name: "b0",
    clientMac: client.run("ip -br link show a0").split(/\s+/)[2]!,
    client: "10.9.0.1",
    server: ADDRESSES.v4.right,
    serverPort: PORT,
    ports: PORTS,
    seconds: 60,
    ...attack,
  };
  const sprayer = Bun.spawn(server.command([process.execPath, SPRAY, JSON.stringify(spray)]), {
    stdout: "pipe",
    stderr: "inherit",
  });
  try {
    for await (const _spraying of sprayer.stdout) break;
    const json = JSON.stringify({ ...task, server: { host: ADDRESSES.v4.right, port: PORT } } satisfies ConfirmTask);
    const agent = Bun.spawn(client.command([process.execPath, AGENT, json]), { stdout: "pipe", stderr: "inherit" });
    const ports = JSON.parse(await agent.stdout.text());
    expect(await agent.exited).toBe(0);
    return ports;
  } finally {
    sprayer.kill();
    await sprayer.exited;
  }
}

describe("under an attack with forged answers", () => {
  for (const nodeSockets of [false, true]) {
    const name = nodeSockets ? "with the sockets of Node" : "with the sockets of Bun";
    testIf(hasNetns, NEEDS_NETNS)(
      `a plain socket is deceived, and a lookup with confirmation is not (${name})`,
      async () => {
        await using network = await serverNetwork();
        const unknown = { nodeId: "VICTM", timeout: 1_500 };
        // It waits that long only if it gets no answer.
        const known = { nodeId: "KNOWN", timeout: 10_000 };
        const lookups = [...Array.from({ length: 5 }, () => unknown), ...Array.from({ length: 5 }, () => known)];
        const attack = { nodeIds: ["VICTM", "KNOWN"], addresses: 1 };
        const ports = await lookUpUnderAttack(network, attack, { nodeSockets, lookups });
        expect(ports).toEqual([6666, ...Array(5).fill(null), ...Array(5).fill(7777)]);
      },
    );
  }
});

describe("an answer", () => {
  test("is believed if it has come to all sockets that have asked, whatever else they got", () => {
    const heard = new Heard();
    heard.add("right", 0, false);
    heard.add("forged", 1, false);
    expect(heard.agreed("right", ASKED)).toBe(false);
    heard.add("right", 1, false);
    expect(heard.agreed("right", ASKED)).toBe(true);
    expect(heard.agreed("forged", ASKED)).toBe(false);
  });

  test("is not believed if it has come to a socket that has not asked", () => {
    const heard = new Heard();
    for (let i = 0; i < ASKED_UNDER_ATTACK; i++) heard.add("forged", i, false);
    expect(heard.agreed("forged", ASKED_UNDER_ATTACK)).toBe(true);
    heard.add("forged", OPEN - 1, true);
    expect(heard.agreed("forged", ASKED_UNDER_ATTACK)).toBe(false);
    expect(heard.agreed("forged", ASKED)).toBe(false);
  });

  test("is forgotten before a flood of different answers fills the memory", () => {
    const heard = new Heard();
    heard.add("first", 0, false);
    heard.add("first", 1, false);
    for (let i = 0; i < 2_000; i++) heard.add(`forged-${i}`, 0, false);
    expect(heard.agreed("first", ASKED)).toBe(false);
  });
});
