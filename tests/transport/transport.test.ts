/** The behavior that all transports have in common. */
import { describe, expect, setDefaultTimeout } from "bun:test";
import { loadLibc } from "../../src/transport/libc.ts";
import { Client } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { sendRaw } from "../support/raw-socket.ts";
import { SteadyQueries } from "../support/steady-queries.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";
import { engineMemory, type Kind, Running } from "./transports.ts";

setDefaultTimeout(TEST_LIMIT_MS);

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
  const bunSocket = kind === "udp without system calls";
  const check = testIf(bunSocket || hasCalls, NEEDS_CALLS);
  const checkAsRoot = testIf((bunSocket || hasCalls) && process.getuid?.() === 0, "needs root for a raw socket");
  const open = (where: Parameters<typeof Running.open>[1] = {}) => Running.open(kind, where);

  describe(`transport ${kind}`, () => {
    for (const engine of ["wasm", "ts"] as const) {
      check(`carries packets to the ${engine} engine and sends its replies`, async () => {
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

    check("receives IPv4 and IPv6 on one socket", async () => {
      await using server = await open({ hosts: ["::"] });
      await using v4 = await Client.open(server.port);
      await using v6 = await Client.open(server.port, "::1");
      await announce(server, v4, announcement(ascii("FOUR"), 4));
      await announce(server, v6, announcement(ascii("SIX"), 6));
      for (const client of [v4, v6]) {
        expect(await client.ask(query(ascii("FOUR")))).toEqual(announcement(ascii("FOUR"), 4, LOOPBACK));
        expect(await client.ask(query(ascii("SIX")))).toEqual(announcement(ascii("SIX"), 6, LOOPBACK6));
      }
    });

    check("listens only on the address that it is given", async () => {
      for (const [host, from, elsewhere] of [
        ["127.3.2.1", "127.0.0.1", "127.0.0.1"],
        ["::ffff:127.3.2.1", "127.0.0.1", "127.0.0.1"],
        ["::1", "::1", "127.0.0.1"],
      ] as const) {
        await using server = await open({ hosts: [host] });
        const to = host.replace("::ffff:", "");
        await using client = await Client.open(server.port, to, from);
        await using lost = await Client.open(server.port, elsewhere);
        await announce(server, client, announcement(ascii("A"), 1));
        lost.send(query(ascii("A")));
        expect(await client.ask(query(ascii("A"))), host).toBeDefined();
        expect(server.counters().received).toBe(2);
      }
    });

    check("listens on one address of a host name", async () => {
      await using server = await open({ hosts: ["localhost"] });
      await using v4 = await Client.open(server.port);
      await using v6 = await Client.open(server.port, "::1");
      const send = (packet: Uint8Array) => {
        for (const client of [v4, v6]) {
          try {
            client.send(packet);
          } catch {
            // The client of the address without a server may get ECONNREFUSED.
          }
        }
      };
      send(announcement(ascii("A"), 1));
      // Which of the two addresses it is depends on the system. Two rounds: had the server listened on both, the second
      // client would have its reply of the first round by now.
      for (let round = 1; round <= 2; round++) {
        send(query(ascii("A")));
        await until(() => Math.max(v4.replies.length, v6.replies.length) === round, `the reply of round ${round}`);
      }
      expect(Math.min(v4.replies.length, v6.replies.length)).toBe(0);
    });

    check("fails with the system's error code for an address that it cannot listen on", async () => {
      expect(open({ hosts: ["192.0.2.1"] })).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
      await open({ hosts: ["192.0.2.1"] }).catch(() => {});
      expect(open({ hosts: ["no-such-host.invalid"] })).rejects.toMatchObject({
        code: "ENOENT",
        message: "cannot resolve no-such-host.invalid",
      });
      await open({ hosts: ["no-such-host.invalid"] }).catch(() => {});
      await expect(open({ hosts: ["fe80::1"] })).rejects.toMatchObject({
        code: "EINVAL",
        message: "fe80::1 is link-local: add its interface, as in fe80::1%eth0",
      });
    });

    check("passes on datagrams of every length; too long ones count as malformed", async () => {
      await using server = await open();
      await using client = await Client.open(server.port);
      await announce(server, client, announcement(ascii("A"), 1));
      const odd = [0, 1, 3, 1024, 1040, 1041, 1044, 1500, 9000, 65_507].map((length) => new Uint8Array(length));
      for (const packet of odd) await announce(server, client, packet);
      // A valid packet, but followed by bytes that exceed the slot.
      const long = new Uint8Array(1060);
      long.set(announcement(new Uint8Array(1008).fill(66), 1, new Uint8Array(16)));
      await announce(server, client, long);
      expect(server.counters().verdicts).toMatchObject({ stored: 1, malformed: odd.length + 1 });
      expect(await client.ask(query(ascii("A")))).toBeDefined();
      expect(sum(server)).toBe(server.counters().received);
    });

    checkAsRoot("keeps working after packets from source port 0", async () => {
      await using server = await open();
      await using client = await Client.open(server.port);
      await announce(server, client, announcement(ascii("A"), 1));
      sendRaw(announcement(ascii("B"), 2), 0, server.port);
      sendRaw(query(ascii("A")), 0, server.port);
      sendRaw(query(ascii("C")), 9, server.port);
      await until(() => server.counters().verdicts.unknown === 1, "the last of the raw packets");
      // Bun.udpSocket drops them silently.
      expect(server.counters().verdicts).toMatchObject({ stored: 1, "refused-port": kind === "mmsg" ? 2 : 0 });
      expect(server.counters()).toMatchObject({ socketErrors: 0, unsent: 0 });
      expect(await client.ask(query(ascii("A")))).toBeDefined();
    });

    check(
      "replies to every client although other clients closed their ports before their replies arrived",
      async () => {
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
        expect({ received, answered: verdicts.answered, unsent }).toEqual({
          received: 1101,
          answered: 1100,
          unsent: 0,
        });
        // Only a socket that Bun opened reports their ICMP errors.
        if (bunSocket) expect(socketErrors).toBeGreaterThan(0);
        else expect(socketErrors).toBe(0);
      },
    );

    check("checks ten times per second whether it should stop, also without packets", async () => {
      await using server = await open();
      // On a busy machine the transport's timer runs late, and so does this one.
      let control = 0;
      const timer = setInterval(() => control++, 100);
      const start = performance.now();
      const before = await server.asked();
      await until(() => control >= 10, "the control timer", 30_000);
      const asked = (await server.asked()) - before;
      clearInterval(timer);
      expect(asked).toBeGreaterThanOrEqual(control / 2);
      expect(asked).toBeLessThan((2 * (performance.now() - start)) / 100);
    });

    check("ends when the stop flag is set, and frees its port", async () => {
      await using server = await open();
      server.stop();
      expect(await server.ended).toBeUndefined();
      await using again = await open({ port: server.port });
      expect(again.port).toBe(server.port);
    });

    // Without system calls a socket can only be closed.
    if (!bunSocket) {
      for (const by of ["flag", "message"] as const) {
        check(`answers what waits in its sockets before it ends, stopped by a ${by}`, async () => {
          await using server = await open({ fault: "sleep in the first batch" });
          await using client = await Client.open(server.port);
          client.send(announcement(ascii("A"), 1));
          await server.asleep;
          for (let i = 0; i < 200; i++) client.send(query(ascii("A")));
          if (by === "flag") server.stop();
          else server.close();
          expect(await server.ended).toBeUndefined();
          await until(() => client.replies.length === 200, "all replies");
        });
      }

      check("loses no query when it ends and another socket on the port takes over", async () => {
        const memory = engineMemory(2);
        let server = await open({ memory });
        const { port } = server;
        await using client = await Client.open(port);
        await announce(server, client, announcement(ascii("A"), 1));
        await using queries = await SteadyQueries.start(port, ascii("A"));
        for (let lane = 1; lane <= 4; lane++) {
          const next = await open({ memory, port, lane: lane % 2, reusePort: "join" });
          await queries.more(200);
          await server[Symbol.asyncDispose]();
          server = next;
          await queries.more(200);
        }
        expect(await queries.lost()).toBe(0);
        await server[Symbol.asyncDispose]();
      });
    }

    for (const by of ["flag", "message"] as const) {
      // Under a flood Bun's receive loop delivers no messages. That is why there is a flag.
      if (by === "message" && kind !== "mmsg") continue;
      check(`ends during a flood, stopped by a ${by}`, async () => {
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

    // Bun's receive loop does not leave a flooded socket, and without system calls there is no other way to the others.
    if (!bunSocket) {
      check("answers at one address during a flood to another one", async () => {
        await using server = await open({ hosts: ["::"] });
        await using client = await Client.open(server.port, "::1");
        await announce(server, client, announcement(ascii("A"), 1));
        const flood = new URL("../support/flood.ts", import.meta.url).pathname;
        const command = [process.execPath, flood, `${server.port}`, "40", "load"];
        const children = [1, 2, 3].map(() => Bun.spawn(command, { stdout: "ignore" }));
        await until(() => server.counters().received > 20_000, "the flood");
        let answered = 0;
        for (let i = 0; i < 20; i++) if (await client.ask(query(ascii("A")), 1000)) answered++;
        for (const child of children) child.kill();
        await Promise.all(children.map((child) => child.exited));
        expect(answered).toBeGreaterThan(10);
      });
    }

    check("receives messages and closes on one, also without packets", async () => {
      const server = await open();
      server.close();
      expect(await server.ended).toBeUndefined();
      await using again = await open({ port: server.port });
      expect(again.port).toBe(server.port);
      await server[Symbol.asyncDispose]();
    });

    check("ends with the error that processing a batch throws", async () => {
      await using server = await open({ fault: "throw" });
      await using client = await Client.open(server.port);
      client.send(query(ascii("A")));
      expect(await server.ended).toBe("injected fault");
    });

    check("does not share the port of another server, whether that one shares it or not", async () => {
      await using server = await open();
      for (const hosts of [["127.0.0.1"], ["0.0.0.0"], ["127.0.0.2", "127.0.0.1"]]) {
        const second = open({ port: server.port, hosts });
        expect(second).rejects.toMatchObject({ code: "EADDRINUSE", host: hosts.at(-1) });
        await second.catch(() => {});
      }
      const holder = await Bun.udpSocket({ hostname: "127.0.0.1" });
      const third = open({ port: holder.port, reusePort: "join" });
      expect(third).rejects.toMatchObject({ code: "EADDRINUSE" });
      await third.catch(() => {});
      holder.close();
    });

    // Other systems let sockets share a port by SO_REUSEPORT, but deliver all datagrams to one of them.
    testIf((bunSocket || hasCalls) && process.platform === "linux", "needs Linux")(
      "shares its port with sockets that join: each receives a part, and the others take over when one is closed",
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
        // A replacement joins, and does not take the port away from the others.
        const again = await open({ memory, port, reusePort: "join" });
        expect(await answered()).toBe(60);
        for (const client of clients) client.close();
        await Promise.all([...lanes, again].map((lane) => lane[Symbol.asyncDispose]()));
      },
    );
  });
}
