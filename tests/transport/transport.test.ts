/** What every transport has to do. */
import { describe, expect } from "bun:test";
import { loadLibc } from "../../src/transport/libc.ts";
import { Client, until } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { sendRaw } from "../support/raw-socket.ts";
import { engineMemory, type Kind, Running, type Where } from "./transports.ts";

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const LOOPBACK6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

const hasCalls = (() => {
  try {
    return loadLibc() !== undefined;
  } catch {
    return false;
  }
})();
const NEEDS_CALLS = "needs Linux on x64 or arm64, and bun:ffi";

async function announce(server: Running, client: Client, ...packets: Uint8Array[]): Promise<void> {
  const before = server.counters().received;
  for (const packet of packets) client.send(packet);
  await until(() => server.counters().received >= before + packets.length, "the announcements");
}

function sum(server: Running): number {
  return Object.values(server.counters().verdicts).reduce((a, b) => a + b);
}

for (const kind of ["mmsg", "udp", "udp without system calls"] as const satisfies Kind[]) {
  const own = kind === "udp without system calls";
  const check = testIf(own || hasCalls, NEEDS_CALLS);
  const checkAsRoot = testIf((own || hasCalls) && process.getuid?.() === 0, "a raw socket takes root");
  const open = (where: Parameters<typeof Running.open>[1] = {}) => Running.open(kind, where);

  describe(`transport ${kind}`, () => {
    for (const engine of ["wasm", "ts"] as const) {
      check(`carries packets to the ${engine} engine and its replies back`, async () => {
        await using server = await open({ engine });
        await using client = await Client.open(server.port);
        await using other = await Client.open(server.port, "127.0.0.1", "127.6.5.4");
        const long = announcement(new Uint8Array(64).fill(65), 65_535, new Uint8Array(16));
        await announce(server, client, announcement(ascii("NODE"), 22_000, Uint8Array.of(6, 6, 6, 6)), long);
        await announce(server, other, announcement(ascii("OTHER"), 256));
        for (const who of [client, other]) {
          expect(await who.ask(query(ascii("NODE")))).toEqual(announcement(ascii("NODE"), 22_000, LOOPBACK));
          expect(await who.ask(query(ascii("OTHER")))).toEqual(
            announcement(ascii("OTHER"), 256, Uint8Array.of(127, 6, 5, 4)),
          );
          expect(await who.ask(query(new Uint8Array(64).fill(65)))).toEqual(
            announcement(new Uint8Array(64).fill(65), 65_535, LOOPBACK),
          );
        }
        expect(server.counters()).toMatchObject({ received: 9, unsent: 0, socketErrors: 0 });
      });
    }

    check("takes IPv4 and IPv6 on one socket", async () => {
      await using server = await open({ host: "::" });
      await using v4 = await Client.open(server.port);
      await using v6 = await Client.open(server.port, "::1");
      await announce(server, v4, announcement(ascii("FOUR"), 4));
      await announce(server, v6, announcement(ascii("SIX"), 6));
      for (const client of [v4, v6]) {
        expect(await client.ask(query(ascii("FOUR")))).toEqual(announcement(ascii("FOUR"), 4, LOOPBACK));
        expect(await client.ask(query(ascii("SIX")))).toEqual(announcement(ascii("SIX"), 6, LOOPBACK6));
      }
    });

    check("listens on the address that it is given, and there only", async () => {
      for (const [host, from, elsewhere] of [
        ["127.3.2.1", "127.0.0.1", "127.0.0.1"],
        ["::ffff:127.3.2.1", "127.0.0.1", "127.0.0.1"],
        ["::1", "::1", "127.0.0.1"],
      ] as const) {
        await using server = await open({ host });
        const to = host.replace("::ffff:", "");
        await using client = await Client.open(server.port, to, from);
        await using lost = await Client.open(server.port, elsewhere);
        await announce(server, client, announcement(ascii("A"), 1));
        lost.send(query(ascii("A")));
        expect(await client.ask(query(ascii("A"))), host).toBeDefined();
        expect(server.counters().received).toBe(2);
      }
    });

    check("listens on an address of the name that it is given", async () => {
      await using server = await open({ host: "localhost" });
      await using v4 = await Client.open(server.port);
      await using v6 = await Client.open(server.port, "::1");
      // Which of the two it is, the system says; a client of the other may hear that nobody is there.
      const ask = (client: Client) => client.ask(query(ascii("A")), 300).catch(() => undefined);
      for (const client of [v4, v6]) client.send(announcement(ascii("A"), 1));
      const replies = await Promise.all([ask(v4), ask(v6)]);
      expect(replies.filter((reply) => reply !== undefined)).toHaveLength(1);
    });

    check("says what is wrong with where it should listen", async () => {
      expect(open({ host: "192.0.2.1" })).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
      await open({ host: "192.0.2.1" }).catch(() => {});
      expect(open({ host: "no-such-host.invalid" })).rejects.toMatchObject({ code: "ENOENT" });
      await open({ host: "no-such-host.invalid" }).catch(() => {});
    });

    check("hands over datagrams of every length, those too long as malformed", async () => {
      await using server = await open();
      await using client = await Client.open(server.port);
      await announce(server, client, announcement(ascii("A"), 1));
      const odd = [0, 1, 3, 1024, 1040, 1041, 1044, 1500, 9000, 65_507].map((length) => new Uint8Array(length));
      for (const packet of odd) await announce(server, client, packet);
      // All that is right about it fits into a slot.
      const long = new Uint8Array(1060);
      long.set(announcement(new Uint8Array(1008).fill(66), 1, new Uint8Array(16)));
      await announce(server, client, long);
      expect(server.counters().verdicts).toMatchObject({ stored: 1, malformed: odd.length + 1 });
      expect(await client.ask(query(ascii("A")))).toBeDefined();
      expect(sum(server)).toBe(server.counters().received);
    });

    checkAsRoot("goes on after packets from source port 0", async () => {
      await using server = await open();
      await using client = await Client.open(server.port);
      await announce(server, client, announcement(ascii("A"), 1));
      sendRaw(announcement(ascii("B"), 2), 0, server.port);
      sendRaw(query(ascii("A")), 0, server.port);
      sendRaw(query(ascii("C")), 9, server.port);
      await until(() => server.counters().verdicts.unknown === 1, "the last of the raw packets");
      // Bun.udpSocket drops them before anybody could count them.
      expect(server.counters().verdicts).toMatchObject({ stored: 1, "refused-port": kind === "mmsg" ? 2 : 0 });
      expect(server.counters()).toMatchObject({ socketErrors: 0, unsent: 0 });
      expect(await client.ask(query(ascii("A")))).toBeDefined();
    });

    check("sends every healthy client its reply while others closed their ports before theirs", async () => {
      await using server = await open();
      await using client = await Client.open(server.port);
      await announce(server, client, announcement(ascii("A"), 1));
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < 50; i++) {
          const gone = await Client.open(server.port);
          gone.send(query(ascii("A")));
          gone.close();
          if (i % 10 === 0) client.send(query(ascii("A")));
        }
        await until(() => client.replies.length === 5, `the replies of round ${round}`);
        client.replies.length = 0;
      }
      const { received, verdicts, unsent, socketErrors } = server.counters();
      expect({ received, answered: verdicts.answered, unsent }).toEqual({ received: 1101, answered: 1100, unsent: 0 });
      // Only a socket of Bun's own making hears of them.
      if (own) expect(socketErrors).toBeGreaterThan(0);
      else expect(socketErrors).toBe(0);
    });

    check("asks ten times a second whether it should stop, though nothing comes", async () => {
      await using server = await open();
      const before = await server.asked();
      await Bun.sleep(1000);
      const asked = (await server.asked()) - before;
      expect(asked).toBeGreaterThanOrEqual(5);
      expect(asked).toBeLessThan(20);
    });

    check("ends when the flag says so, and frees its port", async () => {
      await using server = await open();
      server.stop();
      expect(await server.ended).toBeUndefined();
      await using again = await open({ port: server.port });
      expect(again.port).toBe(server.port);
    });

    for (const by of ["flag", "message"] as const) {
      // Under a flood Bun's receive loop lets no message through: the flag is there for that.
      if (by === "message" && kind !== "mmsg") continue;
      check(`ends in the midst of a flood, told by a ${by}`, async () => {
        await using server = await open();
        const flood = new URL("../support/flood.ts", import.meta.url).pathname;
        const child = Bun.spawn([process.execPath, flood, `${server.port}`, "20", "load"], { stdout: "ignore" });
        await until(() => server.counters().received > 20_000, "the flood");
        if (by === "flag") server.stop();
        else server.close();
        expect(await server.ended).toBeUndefined();
        expect(child.exitCode).toBeNull();
        child.kill();
        await child.exited;
        expect(sum(server)).toBe(server.counters().received);
      });
    }

    check("takes messages and closes on one, though nothing comes", async () => {
      const server = await open();
      server.close();
      expect(await server.ended).toBeUndefined();
      await using again = await open({ port: server.port });
      expect(again.port).toBe(server.port);
      await server[Symbol.asyncDispose]();
    });

    check("ends with the error when judging fails", async () => {
      await using server = await open({ sabotage: "throws" });
      await using client = await Client.open(server.port);
      client.send(query(ascii("A")));
      expect(await server.ended).toBe("out of order");
    });

    check("does not share a port that another server holds, whether that shares it or not", async () => {
      for (const held of [{}, { reusePort: "first" }] as Partial<Where>[]) {
        await using server = await open(held);
        for (const wanted of [{}, { reusePort: "first" }, { host: "0.0.0.0" }] as Partial<Where>[]) {
          const second = open({ port: server.port, ...wanted });
          expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
          await second.catch(() => {});
        }
        if (held.reusePort === undefined) {
          const second = open({ port: server.port, reusePort: "join" });
          expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
          await second.catch(() => {});
        }
      }
    });

    // Elsewhere SO_REUSEPORT lets sockets share a port, and gives all datagrams to one of them.
    testIf((own || hasCalls) && process.platform === "linux", "needs Linux")(
      "shares its port with those that join, each taking its part, and does the work of those that are gone",
      async () => {
        const memory = engineMemory(3);
        const lanes: Running[] = [await open({ memory, reusePort: "first" })];
        const { port } = lanes[0]!;
        for (const lane of [1, 2]) lanes.push(await open({ memory, lane, port, reusePort: "join" }));
        const clients = await Promise.all(Array.from({ length: 60 }, () => Client.open(port)));
        await announce(lanes[0]!, clients[0]!, announcement(ascii("A"), 1));
        const answered = async () => {
          for (const client of clients) client.send(query(ascii("A")));
          const replies = await Promise.all(clients.map((client) => client.receive()));
          return replies.filter((reply) => reply !== undefined).length;
        };
        expect(await answered()).toBe(60);
        expect(Math.min(...lanes.map(({ received }) => received))).toBeGreaterThan(0);

        lanes[0]!.close();
        await lanes[0]!.ended;
        expect(await answered()).toBe(60);
        // Whoever takes the place of one that is gone does not take the port from the others.
        const again = await open({ memory, port, reusePort: "join" });
        expect(await answered()).toBe(60);
        for (const client of clients) client.close();
        await Promise.all([...lanes, again].map((lane) => lane[Symbol.asyncDispose]()));
      },
    );
  });
}
