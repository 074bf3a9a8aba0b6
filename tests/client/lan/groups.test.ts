/** Groups on the LAN, and how fast their nodes find each other. */
import { expect } from "bun:test";
import { type Host, twoHosts } from "../../support/netns.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { Agent, type AgentOptions, program } from "./agents.ts";
import { bunTest, lanTest, nodeTest, runtimeOfTest } from "./runtimes.ts";

const start = (host: Host, options: Partial<AgentOptions>) =>
  Agent.start(host, { runtime: runtimeOfTest(), ...options });
const packet = (nodeId: string, port = 22000) => announcement(ascii(nodeId), port).toHex();
const idsOf = (agent: Agent) =>
  agent
    .all("node")
    .map(({ nodeId }) => nodeId)
    .sort();
/** Whether it is an announcement with port 0. */
const isHello = (hex: string) => hex.startsWith("2012102500000000");
const BROADCAST = "10.9.0.255";

/** How often the agent has announced itself. */
const rounds = (agent: Agent) => agent.all("announced").filter(({ address }) => address.startsWith(BROADCAST)).length;

/** Starts a node, and waits for its last announcement of the next 27 s, if nobody asks. It looks for no interfaces either. */
async function startQuiet(host: Host, options: Partial<AgentOptions>): Promise<Agent> {
  const agent = await start(host, { timings: { interfaces: 3_600_000 }, ...options });
  await agent.first("announced", () => rounds(agent) === 3, 10_000);
  return agent;
}

lanTest("only nodes of the own group are listed and answered, and all of them without a group", async () => {
  await using net = await twoHosts();
  await using listener = await start(net.b, { kind: "listener" });
  await using all = await start(net.a, { nodeId: "ALL", announcedPort: 0 });
  await using chat = await startQuiet(net.a, { group: "chat", nodeId: "CHAT-1" });
  const before = (await chat.state()).counters;

  listener.order({ send: ["chess/1", "chat", "chat/", "cha/t", "NODE"].map((id) => packet(id)), to: BROADCAST });
  listener.order({ send: [packet("chess/hello", 0)], to: BROADCAST });
  await all.first("node", ({ nodeId }) => nodeId === "NODE");
  await Bun.sleep(500);
  expect(rounds(chat)).toBe(3);
  const { counters } = await chat.state();
  // The hellos of the program without a group are foreign too.
  expect(counters.foreign - before.foreign).toBeGreaterThanOrEqual(6);
  expect(counters.received).toBe(counters.announcements + counters.foreign + counters.ignored);

  await using _ = await start(net.b, { group: "chat", nodeId: "CHAT-2" });
  await chat.first("node");
  expect(idsOf(chat)).toEqual(["CHAT-2"]);
  await all.first("node", ({ nodeId }) => nodeId === "chat/CHAT-2");
  expect(idsOf(all)).toEqual(["NODE", "cha/t", "chat", "chat/", "chat/CHAT-1", "chat/CHAT-2", "chess/1"]);
});

lanTest(
  "during a flood of other groups' announcements a node announces itself and hears its own group",
  async () => {
    await using net = await twoHosts();
    await using far = await start(net.b, { group: "chat", nodeId: "FAR", timings: { lanInterval: 100 } });
    await using near = await start(net.a, { group: "chat", nodeId: "NEAR", timings: { lanInterval: 100 } });
    await Promise.all([near.first("node"), far.first("node")]);
    const command = await program(new URL("./flood.ts", import.meta.url), "bun");
    // It goes on until it is killed, however long the node below takes to start.
    const flood = Bun.spawn(net.a.command([...command, "21025", "Infinity", "foreign"]), { stdout: "ignore" });
    try {
      // A node that starts in the flood is heard, and hears.
      const foreign = async () => (await near.state()).counters.foreign;
      while ((await foreign()) === 0);
      await using late = await start(net.b, { group: "chat", nodeId: "LATE" });
      await late.first("node", ({ nodeId }) => nodeId === "NEAR");
      await near.first("node", ({ nodeId }) => nodeId === "LATE");
      while ((await foreign()) <= 50_000);
      expect(flood.exitCode).toBeNull();
    } finally {
      flood.kill("SIGKILL");
      await flood.exited;
    }
    const { counters, nodes } = await near.state();
    expect(nodes).toBe(2);
    expect(counters.received).toBe(counters.announcements + counters.foreign + counters.ignored);
    expect(near.all("node")).toHaveLength(2);
  },
  TEST_LIMIT_MS,
);

// All of the following would otherwise be known only by the next regular announcement, up to half a minute later.

lanTest("who only listens sees the nodes of the LAN soon after its start", async () => {
  await using net = await twoHosts();
  await using near = await startQuiet(net.a, { nodeId: "NEAR" });
  await using listener = await start(net.b, { nodeId: "LISTENER", announcedPort: 0 });
  await listener.first("node");
  expect(idsOf(listener)).toEqual(["NEAR"]);
  expect((await near.state()).nodes).toBe(0);
});

lanTest("a node that was restarted with its NodeID and its port sees the others, although they know it", async () => {
  await using net = await twoHosts();
  await using near = await startQuiet(net.a, { nodeId: "NEAR" });
  const once = await start(net.b, { nodeId: "FAR" });
  // It is heard although it ends at once.
  await once.first("announced");
  await once.kill();
  await near.first("node");
  // Near has answered it, and the next answer comes a second later.
  await using again = await start(net.b, { nodeId: "FAR" });
  await again.first("node");
  expect(idsOf(near)).toEqual(["FAR"]);
});

lanTest("a node whose first packets are lost is heard by their repeats, and hears the others", async () => {
  await using net = await twoHosts();
  await using near = await startQuiet(net.a, { nodeId: "NEAR" });
  await using far = await start(net.b, { nodeId: "FAR", sabotage: "nothing sent at first" });
  await Promise.all([near.first("node"), far.first("node")]);
});

bunTest(
  "a node with a new interface says hello only there, three times",
  async () => {
    await using net = await twoHosts();
    await using near = await startQuiet(net.a, { nodeId: "NEAR", timings: { interfaces: 50 } });
    const there = () => near.all("announced").filter(({ address }) => address.startsWith("10.9.1.255")).length;
    net.a.cable("a1", net.b, "b1");
    net.b.run("ip link set b1 up");
    net.a.run("ip addr add 10.9.1.1/24 dev a1; ip link set a1 up");
    await near.first("announced", () => there() === 3, 10_000);
    expect(rounds(near)).toBe(3);
  },
  TEST_LIMIT_MS,
);

lanTest("a node with a new interface sees the nodes behind it", async () => {
  await using net = await twoHosts();
  await using near = await start(net.a, { nodeId: "NEAR", timings: { interfaces: 50 } });
  net.b.run("ip link set b0 down");
  await using far = await start(net.b, { nodeId: "FAR", timings: { interfaces: 50 } });
  expect(far.all("node")).toEqual([]);
  net.b.run("ip link set b0 up");
  await Promise.all([near.first("node"), far.first("node")]);
});

lanTest(
  "a program that was stopped asks again and keeps the nodes that are still there, also those that answer no hello",
  async () => {
    await using net = await twoHosts();
    await using listener = await start(net.b, { kind: "listener" });
    const timings = { lanInterval: 1_000, lanRetention: 4_000 };
    await using near = await start(net.a, { nodeId: "NEAR", timings });
    await using _ = await start(net.b, { nodeId: "FAR", timings });
    await using ended = await start(net.b, { nodeId: "ENDED", timings });
    const old = () => listener.order({ send: [packet("OLD")], to: BROADCAST });
    old();
    for (const id of ["FAR", "ENDED", "OLD"]) await near.first("node", ({ nodeId }) => nodeId === id);
    await ended.kill();
    // Longer than nodes are kept. What comes meanwhile finds no room, as if the computer slept.
    const pause = near.pause(7_500);
    listener.order({ send: Array.from({ length: 2_000 }, () => "00".repeat(1_000)), to: BROADCAST });
    const before = listener.all("heard").length;
    await pause;
    const hellos = () =>
      listener
        .all("heard")
        .slice(before)
        .filter(({ ip, hex }) => ip === "10.9.0.1" && isHello(hex));
    await listener.first("heard", () => hellos().length > 0);
    await Bun.sleep(300);
    old();
    await near.first("gone", ({ nodeId }) => nodeId === "ENDED");
    expect(near.all("gone").map(({ nodeId }) => nodeId)).toEqual(["ENDED"]);
    expect(idsOf(near)).toEqual(["ENDED", "FAR", "OLD"]);
  },
  TEST_LIMIT_MS,
);

nodeTest(
  "several programs of a host, run by Bun and by Node, and those of another host all find each other",
  async () => {
    await using net = await twoHosts();
    await using agents = new AsyncDisposableStack();
    const all: Agent[] = [];
    for (const [i, runtime] of (["bun", "node", "bun, node's sockets", "node", "bun", "node"] as const).entries()) {
      const host = i < 4 ? net.a : net.b;
      all.push(
        agents.use(await start(host, { runtime, group: "chat", nodeId: `NODE-${i}`, announcedPort: 22000 + i })),
      );
    }
    for (const [i, agent] of all.entries()) {
      for (const j of all.keys()) {
        if (i !== j) await agent.first("node", ({ nodeId }) => nodeId === `NODE-${j}`);
      }
      expect(agent.all("error")).toEqual([]);
    }
  },
  TEST_LIMIT_MS,
);
