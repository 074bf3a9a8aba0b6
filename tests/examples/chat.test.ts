// examples/chat.js: two people talk, on a LAN and through a server, under Bun and Node.
import { describe, expect } from "bun:test";
import { OutputLines, start } from "../support/command.ts";
import { Host, twoHosts } from "../support/netns.ts";
import { PAIRS, Program, RUNTIMES, testOnHosts } from "./programs.ts";

/** Two hosts whose only way to each other is a router, which also runs a discovery server. No broadcast crosses it. */
async function routedHosts() {
  const stack = new AsyncDisposableStack();
  const [a, router, b] = await Promise.all([Host.create(), Host.create(), Host.create()]);
  for (const host of [a, router, b]) stack.use(host);
  a.cable("a0", router, "r1");
  b.cable("b0", router, "r2");
  router.run("ip addr add 10.1.0.1/24 dev r1; ip addr add 10.2.0.1/24 dev r2; ip link set r1 up; ip link set r2 up");
  a.run("ip addr add 10.1.0.2/24 dev a0; ip link set a0 up; ip route add default via 10.1.0.1");
  b.run("ip addr add 10.2.0.2/24 dev b0; ip link set b0 up; ip route add default via 10.2.0.1");
  router.run("echo 1 > /proc/sys/net/ipv4/ip_forward");
  await Promise.all([a.linked("a0"), b.linked("b0")]);
  const server = start(["server", "--host", "0.0.0.0"], { by: router.command([]) });
  stack.defer(async () => {
    server.kill();
    await server.exited;
  });
  await new OutputLines(server.stdout).next(/listens on udp/);
  return { a, b, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

describe("the chat", () => {
  for (const [mine, theirs] of PAIRS) {
    testOnHosts(
      [mine, theirs],
      `between ${mine} and ${theirs}: each sees what the other types, and when the other leaves`,
      async () => {
        await using hosts = await twoHosts();
        await using alice = await Program.start(hosts.a, mine, "chat", "alice");
        await alice.sees(/^\* you are alice/);
        await using bob = await Program.start(hosts.b, theirs, "chat", "bob", "alice");
        await Promise.all([bob.sees(/^\* alice is here$/), alice.sees(/^\* bob is here$/)]);
        bob.type("hello, Alice");
        await alice.sees(/^bob: hello, Alice$/);
        alice.type("hello, \u001b[31mBob");
        await bob.sees(/^alice: hello, \[31mBob$/);
        bob.interrupt();
        await alice.sees(/^\* bob has left$/);

        // Bob is back, at another port.
        await using again = await Program.start(hosts.b, theirs, "chat", "bob");
        await again.sees(/^\* you are bob/);
        alice.type("/dial bob");
        await Promise.all([alice.sees(/^\* bob is here$/), again.sees(/^\* alice is here$/)]);
        expect([...alice.errors.lines, ...bob.errors.lines, ...again.errors.lines]).toEqual([]);
      },
    );

    testOnHosts(
      [mine, theirs],
      `between ${mine} and ${theirs} finds people through a server, also when one has restarted`,
      async () => {
        await using hosts = await routedHosts();
        await using alice = await Program.start(hosts.a, mine, "chat", "alice", "--server", "10.1.0.1");
        await alice.sees(/^\* you are alice/);
        await using bob = await Program.start(hosts.b, theirs, "chat", "bob", "alice", "--server", "10.2.0.1");
        await Promise.all([bob.sees(/^\* alice is here$/), alice.sees(/^\* bob is here$/)]);
        alice.interrupt();
        await bob.sees(/^\* alice has left$/);

        // The server still has the old address under that name, and bob has it in his cache.
        await using again = await Program.start(hosts.a, mine, "chat", "alice", "--server", "10.1.0.1");
        await again.sees(/^\* you are alice/);
        const found = again.sees(/^\* bob is here$/);
        // Until the new announcement is at the server, he gets the old address.
        do bob.type("/dial alice");
        while (!(await bob.sees(/alice/)).endsWith("is here"));
        await found;
        again.type("back again");
        await bob.sees(/^alice: back again$/);
      },
    );
  }

  for (const family of ["ipv4", "ipv6"] as const) {
    testOnHosts(RUNTIMES, `works on a LAN that has only ${family}`, async () => {
      await using hosts = await twoHosts({ ipv4: family === "ipv4", ipv6: family === "ipv6" });
      await using alice = await Program.start(hosts.a, "bun", "chat", "alice");
      await alice.sees(/^\* you are alice/);
      await using bob = await Program.start(hosts.b, "node", "chat", "bob", "alice");
      await Promise.all([bob.sees(/^\* alice is here$/), alice.sees(/^\* bob is here$/)]);
      alice.type("/dial bob");
      await Promise.all([alice.sees(/^\* bob is here$/), bob.sees(/^\* alice is here$/)]);
    });
  }

  for (const runtime of RUNTIMES) {
    testOnHosts([runtime], `under ${runtime} says in one line what is wrong`, async () => {
      await using hosts = await twoHosts();
      const wrong = async (host: Host, ...args: string[]) => {
        await using program = await Program.start(host, runtime, "chat", ...args);
        expect(await program.exited).toBe(1);
        await program.errors.end;
        return program.errors.lines;
      };
      expect(await wrong(hosts.a)).toEqual([expect.stringMatching(/^chat: what is your name\? /)]);
      expect(await wrong(hosts.a, "alice", "--sever", "x")).toEqual([expect.stringContaining("--sever")]);
      expect(await wrong(hosts.a, "alice", "--server", "a:b:c")).toEqual([expect.stringContaining("a:b:c")]);

      await using alice = await Program.start(hosts.a, runtime, "chat", "alice");
      await alice.sees(/^\* you are alice/);
      expect(await wrong(hosts.b, "alice")).toEqual(["chat: somebody called alice is there already"]);
      alice.type("/dial carol");
      await alice.sees(/^\* nobody knows carol$/);

      await using island = await Host.create();
      await using lonely = await Program.start(island, runtime, "chat", "robinson", "friday");
      await lonely.sees(/^\* lan: there is no interface to announce on/);
      await lonely.sees(/^\* nobody knows friday$/);
      lonely.type("nobody hears this");
      expect(lonely.errors.lines).toEqual([]);
    });
  }
});
