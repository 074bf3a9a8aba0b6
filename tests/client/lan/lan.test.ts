/** Hosts are network namespaces, joined by virtual cables: every datagram goes through the kernel, and nothing is mocked. */
import { afterAll, beforeAll, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { Folder } from "../../support/folder.ts";
import { type Host, hasNetns, twoHosts } from "../../support/netns.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { Agent, type AgentOptions, program } from "./agents.ts";
import { bunTest, lanTest, nodeTest, runtimeOfTest } from "./runtimes.ts";

const BROADCAST = "10.9.0.255";

/** Most tests share these two hosts. Each test uses another port. */
let net: Awaited<ReturnType<typeof twoHosts>>;
let port = 21025;
beforeAll(async () => {
  if (hasNetns) net = await twoHosts();
});
afterAll(async () => await net?.[Symbol.asyncDispose]());

const start = (host: Host, options: Partial<AgentOptions>) =>
  Agent.start(host, { port, runtime: runtimeOfTest(), ...options });
const packet = (nodeId: string, announced: number) => announcement(ascii(nodeId), announced).toHex();
const vectors: { name: string; hex: string; nodeId: string; port: number; ip: string }[] = (
  await Bun.file(new URL("../../vectors/v1.jsonl", import.meta.url)).text()
)
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

/** A starts, then B. The next announcements would be 30 s later, so the first ones and the answers to them must do. */
async function learnEachOther(
  { ipv4 = true, ipv6 = true, inA = runtimeOfTest(), inB = runtimeOfTest() },
  from: { a: RegExp; b: RegExp },
): Promise<void> {
  await using hosts = await twoHosts({ ipv4, ipv6 });
  await using a = await start(hosts.a, { nodeId: "NODE-A", announcedPort: 22001, runtime: inA });
  await using b = await start(hosts.b, { nodeId: "NODE-B", announcedPort: 22002, runtime: inB });
  const [bInA, aInB] = await Promise.all([a.first("node"), b.first("node")]);
  expect(bInA).toMatchObject({ nodeId: "NODE-B", port: 22002, ip: expect.stringMatching(from.b) });
  expect(aInB).toMatchObject({ nodeId: "NODE-A", port: 22001, ip: expect.stringMatching(from.a) });
  expect([...a.all("error"), ...b.all("error")]).toEqual([]);
}

lanTest(
  "two hosts find each other by one broadcast, soon after their start (the original waits up to 30 s)",
  () => learnEachOther({ ipv6: false }, { a: /^10\.9\.0\.1$/, b: /^10\.9\.0\.2$/ }),
  TEST_LIMIT_MS,
);

lanTest(
  "two hosts without IPv4 find each other by IPv6 multicast, soon after their start (the original is broken there)",
  () => learnEachOther({ ipv4: false }, { a: /^fe80::[0-9a-f:]+%b0$/, b: /^fe80::[0-9a-f:]+%a0$/ }),
  TEST_LIMIT_MS,
);

nodeTest(
  "a host with Bun and one with Node find each other, whichever starts first",
  async () => {
    const v4 = { a: /^10\.9\.0\.1$/, b: /^10\.9\.0\.2$/ };
    const v6 = { a: /^fe80::[0-9a-f:]+%b0$/, b: /^fe80::[0-9a-f:]+%a0$/ };
    await learnEachOther({ ipv6: false, inA: "bun", inB: "node" }, v4);
    await learnEachOther({ ipv6: false, inA: "node", inB: "bun" }, v4);
    await learnEachOther({ ipv4: false, inA: "bun", inB: "node" }, v6);
    await learnEachOther({ ipv4: false, inA: "node", inB: "bun, node's sockets" }, v6);
  },
  TEST_LIMIT_MS,
);

/** An announcement with port 0. */
const isHello = ({ hex }: { hex: string }) => hex.startsWith("2012102500000000");

lanTest("announcements are the bytes of the original's captures, and only a hello comes before them", async () => {
  const captures = vectors.filter(({ name }) => name.includes("-> 255.255.255.255:21025"));
  const local = vectors.filter(({ name }) => name === "announce local port 0x1234 id hello");
  expect([captures.length, local.length]).toEqual([2, 1]);
  for (const { hex, nodeId, port: announcedPort } of [...captures, ...local]) {
    port++;
    await using listener = await start(net.b, { kind: "listener" });
    await using _ = await start(net.a, { nodeId: Buffer.from(nodeId, "hex").toString(), announcedPort });
    await listener.first("heard", (heard) => heard.ip === "10.9.0.1" && heard.hex === hex);
    await listener.first("heard", (heard) => heard.ip.startsWith("fe80::") && heard.hex === hex);
    for (const from of [/^10\.9\.0\.1$/, /^fe80::/]) {
      const heard = listener.all("heard").filter(({ ip }) => from.test(ip));
      expect(isHello(heard[0]!)).toBe(true);
      expect(heard.filter((packet) => packet.hex !== hex && !isHello(packet))).toEqual([]);
    }
  }
});

lanTest(
  "all programs of a host receive the announcements of the LAN and of each other (the original's second program gets nothing)",
  async () => {
    port++;
    await using first = await start(net.a, { nodeId: "FIRST" });
    await using second = await start(net.a, { nodeId: "SECOND" });
    await using far = await start(net.b, { nodeId: "FAR" });
    const both = [first, second].map((agent) => agent.first("node", ({ nodeId }) => nodeId === "FAR"));
    expect((await Promise.all(both)).map(({ ip }) => ip.replace(/^fe80.*/, "10.9.0.2"))).toEqual([
      "10.9.0.2",
      "10.9.0.2",
    ]);
    await first.first("node", ({ nodeId }) => nodeId === "SECOND");
    await second.first("node", ({ nodeId }) => nodeId === "FIRST");
    expect([...first.all("error"), ...second.all("error"), ...far.all("error")]).toEqual([]);
  },
);

lanTest("announce() resolves when all is sent, and a close() right after announce() stops nothing", async () => {
  port++;
  await using listener = await start(net.b, { kind: "listener" });
  await using near = await start(net.a, { nodeId: "NEAR" });
  const announced = () => near.all("announced").filter(({ address }) => address.startsWith(BROADCAST)).length;
  const heard = (from: RegExp) => listener.all("heard").filter((packet) => from.test(packet.ip) && !isHello(packet));
  // The first announcement and its repeats.
  await near.first("announced", () => announced() === 3, 10_000);
  near.order({ do: "announce and close" });
  await near.first("sent");
  expect(announced()).toBe(4);
  await near.first("closed");
  expect(announced()).toBe(4);
  for (const from of [/^10\.9\.0\.1$/, /^fe80::/]) await listener.first("heard", () => heard(from).length === 5);
});

lanTest("a port that another program does not share is an error that says what to do", async () => {
  port++;
  await using _ = await start(net.a, { kind: "unshared" });
  await using lan = await start(net.a, {});
  expect(lan.all("refused")).toEqual([
    {
      type: "refused",
      code: "EADDRINUSE",
      message: `lan: UDP port ${port} (IPv4) is in use by another program that does not share it: end it first`,
    },
  ]);
});

bunTest("a version of Bun that cannot share the port causes an error event, but works", async () => {
  port++;
  await using lan = await start(net.a, { sabotage: "no sharing" });
  expect(lan.all("error").map(({ code }) => code)).toEqual(["ENOTSUP", "ENOTSUP"]);
  expect(lan.all("error")[0]!.message).toContain(`cannot use UDP port ${port} (IPv4)`);
  await using far = await start(net.b, { nodeId: "FAR" });
  await Promise.all([lan.first("node"), far.first("node")]);
});

lanTest("a host with only IPv4 or only IPv6 uses that", async () => {
  const goesOn = async (port: number, sabotage: "no IPv4" | "no IPv6", ip: RegExp) => {
    await using far = await start(net.b, { port, nodeId: "FAR" });
    await using lan = await start(net.a, { port, nodeId: "NEAR", sabotage });
    await lan.first("node");
    expect((await far.first("node")).ip).toMatch(ip);
    expect(lan.all("error")).toEqual([]);
  };
  await Promise.all([goesOn(++port, "no IPv6", /^10\.9\.0\.1$/), goesOn(++port, "no IPv4", /^fe80::/)]);
});

lanTest("announcements are sent on both of two interfaces, by IPv4 and by IPv6 (the original uses one)", async () => {
  port++;
  net.a.cable("a1", net.b, "b1");
  net.a.run("ip addr add 10.9.1.1/24 dev a1; ip link set a1 up");
  net.b.run("ip addr add 10.9.1.2/24 dev b1; ip link set b1 up");
  await Promise.all([net.a.linked("a1"), net.b.linked("b1")]);
  await using listener = await start(net.b, { kind: "listener" });
  await using _ = await start(net.a, {});
  for (const from of [/^10\.9\.0\.1$/, /^10\.9\.1\.1$/, /^fe80::.*%b0$/, /^fe80::.*%b1$/]) {
    await listener.first("heard", ({ ip }) => from.test(ip));
  }
  net.a.run("ip link del a1");
});

lanTest(
  "an interface that comes up later is used at once, and so is a new one with the same name",
  async () => {
    port++;
    await using near = await start(net.a, { nodeId: "NEAR", timings: { interfaces: 100 } });
    // The second one is a new interface with the name of the first.
    for (const round of [1, 2]) {
      net.a.cable("late", net.b, "b-late");
      net.b.run("ip addr add 10.9.2.2/24 dev b-late; ip link set b-late up");
      await using listener = await start(net.b, { kind: "listener" });
      // By the other cable, it may hear announcements at any time.
      const byLate = ({ ip }: { ip: string }) => ip === "10.9.2.1" || ip.endsWith("%b-late");
      expect(listener.all("heard").filter(byLate)).toEqual([]);
      net.a.run("ip addr add 10.9.2.1/24 dev late; ip link set late up");
      await net.a.linked("late");
      await net.b.linked("b-late");
      await listener.first("heard", (heard) => heard.ip === "10.9.2.1" && !isHello(heard));
      await listener.first("heard", (heard) => heard.ip.endsWith("%b-late") && !isHello(heard));
      await using far = await start(net.b, { nodeId: `FAR-${round}`, announcedPort: 20000 + round });
      await near.first("node", ({ nodeId }) => nodeId === `FAR-${round}`);
      await far.first("announced", ({ address }) => address.includes("b-late"));
      net.a.run("ip link del late");
    }
  },
  TEST_LIMIT_MS,
);

lanTest(
  "an interface that goes down and comes back is used again, as after a pulled cable or a sleep",
  async () => {
    const comesBack = async (families: { ipv4: boolean; ipv6: boolean }) => {
      await using hosts = await twoHosts(families);
      const timings = { interfaces: 100, lanInterval: 500 };
      await using near = await start(hosts.a, { nodeId: "NEAR", timings });
      hosts.a.run("ip link set a0 down");
      await near.first("error", ({ code }) => code === "ENETDOWN");
      await Bun.sleep(600);
      expect(near.all("error")).toHaveLength(1);
      hosts.a.run("ip link set a0 up");
      await using far = await start(hosts.b, { nodeId: "FAR", timings });
      await Promise.all([near.first("node"), far.first("node")]);
      hosts.a.run("ip link set a0 down");
      await near.first("error", () => near.all("error").length === 2);
    };
    await Promise.all([comesBack({ ipv4: true, ipv6: false }), comesBack({ ipv4: false, ipv6: true })]);
  },
  TEST_LIMIT_MS,
);

lanTest(
  "a new cable causes no error, although IPv6 cannot send before it has checked its address for duplicates",
  async () => {
    await using hosts = await twoHosts({ ipv4: false });
    hosts.a.run("ip link set a0 down; echo 1 > /proc/sys/net/ipv6/conf/a0/accept_dad");
    await using near = await start(hosts.a, { nodeId: "NEAR", announcedPort: 0, timings: { interfaces: 50 } });
    hosts.a.run("ip link set a0 up");
    await using far = await start(hosts.b, { nodeId: "FAR" });
    await near.first("node", undefined, 20_000);
    expect(far.all("error")).toEqual([]);
    expect(near.all("error")).toEqual([]);
  },
  TEST_LIMIT_MS,
);

lanTest("an error is reported once, and its cause is retried until it works", async () => {
  port++;
  await using listener = await start(net.b, { kind: "listener" });
  net.a.run("ip rule add pref 1 lookup local; ip rule del pref 0; ip rule add pref 0 to 10.9.0.255 prohibit");
  await using near = await start(net.a, { timings: { interfaces: 50 } });
  const error = await near.first("error", undefined, 20_000);
  expect(error).toMatchObject({ code: "EACCES", where: "a0" });
  await Bun.sleep(300);
  expect(near.all("error").filter(({ where }) => where === "a0")).toHaveLength(1);
  expect(listener.all("heard").filter(({ ip }) => ip === "10.9.0.1")).toHaveLength(0);
  net.a.run("ip rule del pref 0; ip rule add pref 0 lookup local; ip rule del pref 1");
  await listener.first("heard", ({ ip }) => ip === "10.9.0.1");
  // The listener may receive the packet before the sender has reported it.
  await near.first("announced", ({ address }) => address.startsWith(BROADCAST));
  expect(near.all("announced").filter(({ address }) => address.startsWith(BROADCAST))).toHaveLength(1);
});

lanTest(
  "during 1,000,000 bad packets and queries announcements go on, and a good packet after them is read " +
    "(30 bad ones in a row ended the original's discovery for good)",
  async () => {
    port++;
    await using far = await start(net.b, { kind: "listener" });
    await using near = await start(net.a, { nodeId: "NEAR", timings: { lanInterval: 200 } });
    const flood = new URL("./flood.ts", import.meta.url).pathname;
    const command = net.a.command([process.execPath, flood, `${port}`, "1000000"]);
    const began = performance.now();
    const sender = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
    expect(Number(await sender.stdout.text())).toBeGreaterThanOrEqual(1_000_000);
    const ended = performance.now();
    const heard = far.reports.filter(
      ({ report, at }) => report.type === "heard" && report.ip === "10.9.0.1" && at > began && at < ended,
    );
    expect(heard.length).toBeGreaterThanOrEqual(3);

    // Again and again, since its receive buffer may be full of the flood.
    const sending = setInterval(() => far.order({ send: [packet("GOOD", 22000)], to: BROADCAST }), 50);
    const good = await near.first("node", undefined, 20_000).finally(() => clearInterval(sending));
    expect(good).toMatchObject({ nodeId: "GOOD", ip: "10.9.0.2", port: 22000 });
    const { counters, nodes } = await near.state();
    expect(nodes).toBe(1);
    expect(counters.announcements).toBeGreaterThanOrEqual(1);
    expect(counters.ignored).toBeGreaterThan(100_000);
    expect(counters.received).toBe(counters.announcements + counters.ignored);
  },
  TEST_LIMIT_MS,
);

lanTest(
  "a node with another port is reported as moved, and as gone after it was silent for the retention time",
  async () => {
    port++;
    await using far = await start(net.b, { kind: "listener" });
    await using near = await start(net.a, { announcedPort: 0, timings: { lanRetention: 1_500 } });
    far.order({ send: [packet("FAR", 22000)], to: BROADCAST });
    await near.first("node");
    far.order({ send: [packet("FAR", 22000), packet("FAR", 22001)], to: BROADCAST });
    const moved = await near.first("moved");
    expect(moved).toMatchObject({ nodeId: "FAR", ip: "10.9.0.2", port: 22001 });
    const gone = await near.first("gone");
    expect(gone).toMatchObject({ nodeId: "FAR", ip: "10.9.0.2", port: 22001 });
    expect(gone.time - moved.time).toBeGreaterThan(1_425);
    expect((await near.state()).nodes).toBe(0);
  },
);

lanTest(
  "announcements with the own NodeID, no NodeID or one too long are ignored, and so is the IP in a packet",
  async () => {
    port++;
    await using far = await start(net.b, { kind: "listener" });
    await using near = await start(net.a, { nodeId: "NEAR" });
    const lie = announcement(ascii("LIAR"), 22000, new Uint8Array([203, 0, 113, 9])).toHex();
    const bad = [packet("NEAR", 9), packet("", 9), packet("X".repeat(1009), 9)];
    far.order({ send: [...bad, packet("X".repeat(1008), 9), lie], to: BROADCAST });
    await near.first("node", ({ nodeId }) => nodeId === "LIAR");
    expect(near.all("node").map(({ nodeId, ip }) => [nodeId.slice(0, 4), ip])).toEqual([
      ["XXXX", "10.9.0.2"],
      ["LIAR", "10.9.0.2"],
    ]);
  },
);

lanTest(
  "new nodes are answered at once, but at most once a second; known nodes are not (the original answers nobody)",
  async () => {
    port++;
    await using far = await start(net.b, { kind: "listener" });
    await using near = await start(net.a, { nodeId: "NEAR" });
    const rounds = () =>
      near.reports.filter(({ report }) => report.type === "announced" && report.address.startsWith(BROADCAST));
    // The first announcement and its repeats.
    await near.first("announced", () => rounds().length === 3, 10_000);
    far.order({ send: [packet("NEW-0", 1)], to: BROADCAST });
    await near.first("announced", () => rounds().length === 4);
    // All nodes of the next second get one common answer. They are sent together, so that a busy machine is not late with some.
    far.order({ send: Array.from({ length: 8 }, (_, i) => packet(`NEW-${i + 1}`, 1)), to: BROADCAST });
    await near.first("announced", () => rounds().length === 5);
    expect(rounds()[4]!.time - rounds()[3]!.time).toBeGreaterThan(900);
    await Bun.sleep(1100);
    expect(rounds()).toHaveLength(5);
    far.order({ send: [packet("NEW-0", 1)], to: BROADCAST });
    await Bun.sleep(300);
    expect(rounds()).toHaveLength(5);
  },
  TEST_LIMIT_MS,
);

lanTest("IPv6 is used as soon as the host has it", async () => {
  port++;
  await using listener = await start(net.b, { kind: "listener" });
  await using near = await start(net.a, { nodeId: "NEAR", sabotage: "no IPv6 at first", timings: { interfaces: 50 } });
  const atFirst = near.reports.slice(
    0,
    near.reports.findIndex(({ report }) => report.type === "ready"),
  );
  expect(atFirst.filter(({ report }) => report.type === "announced" && report.address.startsWith("["))).toEqual([]);
  await listener.first("heard", ({ ip }) => ip.startsWith("fe80::"));
  expect(near.all("error")).toEqual([]);
});

lanTest("an interface that loses IPv6 and gets it back receives announcements again", async () => {
  await using hosts = await twoHosts({ ipv4: false });
  await using near = await start(hosts.a, { nodeId: "NEAR", timings: { interfaces: 50, lanInterval: 200 } });
  // This is below the minimum of IPv6: the kernel drops the groups of the interface, but not those of the socket.
  hosts.a.run("ip link set a0 mtu 1000");
  await near.first("error", ({ code }) => code === "ENETDOWN");
  hosts.a.run("ip link set a0 mtu 1500");
  await using far = await start(hosts.b, { nodeId: "FAR" });
  await Promise.all([near.first("node"), far.first("node")]);
});

lanTest(
  "after many interfaces were added and removed, announcements still arrive, by a new socket",
  async () => {
    await using hosts = await twoHosts({ ipv4: false });
    const timings = { interfaces: 50 };
    const port = 0x5221;
    await using near = await start(hosts.a, { nodeId: "NEAR", timings, port });
    const batch = (line: (i: number) => string) =>
      hosts.a.run(`ip -batch - <<END\n${Array.from({ length: 40 }, (_, i) => line(i)).join("\n")}\nEND`);
    const socket = () => /^.*:5221 .*$/m.exec(hosts.a.run("cat /proc/net/udp6"))![0];
    const before = socket();
    batch((i) => `link add x${i} type veth peer name y${i}\nlink set x${i} up\nlink set y${i} up`);
    await near.first("announced", ({ address }) => address.includes("%y39"));
    batch((i) => `link del x${i}`);
    await using far = await start(hosts.b, { nodeId: "FAR", timings, port });
    await Promise.all([near.first("node"), far.first("node")]);
    expect(socket()).not.toBe(before);
    expect(near.all("error")).toEqual([]);
  },
  TEST_LIMIT_MS,
);

// Node does not ask the kernel for such errors.
bunTest("an ICMP error for the port does not end the program", async () => {
  port++;
  await using near = await start(net.a, { nodeId: "NEAR" });
  // Another program on the same port sends to closed ports: the kernel reports the refusals to any socket of the port.
  await using neighbour = await start(net.a, { kind: "listener" });
  // The kernel sends a few refusals at once and then one per second. It chooses the socket of each by a hash of the addresses and
  // ports, so every packet goes to another closed port.
  const refused = near.first("error", undefined, 30_000);
  let [closed, reported] = [1, false];
  while (!reported) {
    for (let i = 0; i < 40; i++) neighbour.order({ send: ["00"], to: "10.9.0.2", port: closed++ });
    reported = await Promise.race([refused.then(() => true), Bun.sleep(500).then(() => false)]);
  }
  expect(await refused).toMatchObject({ code: "ECONNREFUSED", where: "lan" });
  await using far = await start(net.b, { nodeId: "FAR" });
  await Promise.all([near.first("node"), far.first("node")]);
  expect(near.all("error")).toHaveLength(1);
});

lanTest(
  "a Lan without an announcement sends nothing but a hello, and receives the announcements of others",
  async () => {
    port++;
    await using listener = await start(net.b, { kind: "listener" });
    await using near = await start(net.a, { announcedPort: 0, timings: { lanInterval: 50, interfaces: 50 } });
    near.order({ do: "announce" });
    listener.order({ send: [packet("FAR", 22000)], to: BROADCAST });
    await near.first("node");
    const reports = () => Number(/Icmp6OutMLDv2Reports\s+(\d+)/.exec(net.a.run("cat /proc/net/snmp6"))![1]);
    const before = reports();
    await Bun.sleep(400);
    // It does not rejoin its group at each refresh.
    expect(reports() - before).toBeLessThan(5);
    expect(near.all("announced")).toEqual([]);
    const heard = listener.all("heard").filter(({ ip }) => ip === "10.9.0.1");
    expect(heard.filter((packet) => !isHello(packet))).toEqual([]);
    // At the start and, if so much time has passed, after 1 s and 3 s: not at each refresh or interval.
    expect(heard.length).toBeWithin(1, 4);
  },
);

lanTest("close() leaves no socket and no timer behind, during open() too, and the program ends by itself", async () => {
  const command = net.a.command(await program(new URL("./closed.ts", import.meta.url), runtimeOfTest()));
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", timeout: TEST_LIMIT_MS });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  // Nothing is written to the console.
  expect(err).toBe("");
  expect(JSON.parse(out)).toEqual({
    descriptors: 0,
    timers: 0,
    timersWhileOpen: 1,
    heard: true,
    afterwards: 0,
    aborted: "the reason",
  });
  expect(await child.exited).toBe(0);
});

nodeTest("every worker of a Node cluster receives each announcement", async () => {
  port++;
  using folder = new Folder();
  const [, , , code] = await program(new URL("./cluster.ts", import.meta.url), "node");
  // A cluster starts its workers with the file of the first process.
  writeFileSync(folder.at("cluster.mjs"), code!);
  const command = net.a.command(["node", folder.at("cluster.mjs"), `${port}`]);
  const cluster = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit", timeout: TEST_LIMIT_MS });
  await using far = await start(net.b, { kind: "listener" });
  let output = "";
  for await (const text of cluster.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (/^(ready\n){2}$/.test(output)) far.order({ send: [packet("FAR", 22000)], to: BROADCAST });
    if (/(FAR\n){2}$/.test(output)) cluster.kill();
  }
  expect(output).toBe("ready\nready\nFAR\nFAR\n");
});

lanTest("intervals longer than the longest timer are no reason for a timer that fires at once", async () => {
  const command = net.a.command(await program(new URL("./long-intervals.ts", import.meta.url), runtimeOfTest()));
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  // Bun and Node write a warning to standard error for a delay that is too long.
  expect(err).toBe("");
  expect(Number(out)).toBeLessThan(10);
});
