// Sockets that a server is given, and ports that it shares with another server.

import { describe, expect, setDefaultTimeout } from "bun:test";
import { fstatSync } from "node:fs";
import { configure, reset } from "@logtape/logtape";
import { DiscoveryServer, type ServerOptions } from "../../src/server/index.ts";
import { givenSocketsOf } from "../../src/transport/given-sockets.ts";
import { parseAddress } from "../../src/transport/host.ts";
import { bindSocket, detachSocket } from "../../src/transport/socket.ts";
import { Client } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../support/redis.ts";
import { SteadyQueries } from "../support/steady-queries.ts";
import { Threads } from "../support/threads.ts";
import { LONG_LIMIT_MS, until } from "../support/time-limits.ts";
import { SOCKET_TRANSPORTS } from "../support/transports.ts";
import type { FailCommand } from "./faulty-worker.ts";

setDefaultTimeout(LONG_LIMIT_MS);

const NODE = ascii("NODE");
const onLinux = testIf(process.platform === "linux", "needs Linux");

function start(options: Partial<ServerOptions>): Promise<DiscoveryServer> {
  return DiscoveryServer.start({ capacity: 20_000, sourceRate: 0, nodeRate: 0, newRate: 0, ...options });
}

describe("given sockets", () => {
  onLinux("are spread over the workers by address, and shared if there are fewer than workers", async () => {
    const given = (...texts: string[]) =>
      texts.map((text, i) => ({ fd: 3 + i, address: parseAddress(text), port: 22025 }));
    const spread = (workers: number, ...texts: string[]) =>
      Array.from({ length: workers }, (_, i) => givenSocketsOf(i, workers, given(...texts)));
    expect(spread(1, "::")).toEqual([[3]]);
    expect(spread(3, "::")).toEqual([[3], [3], [3]]);
    expect(spread(2, "0.0.0.0", "::")).toEqual([
      [3, 4],
      [3, 4],
    ]);
    expect(spread(2, "::", "::")).toEqual([[3], [4]]);
    expect(spread(3, "::", "::")).toEqual([[3], [4], [3]]);
    expect(spread(2, "::", "::", "::", "127.0.0.1")).toEqual([
      [3, 5, 6],
      [4, 6],
    ]);
  });

  onLinux("go to the worker that replaces one that hangs, and stay open after the server was stopped", async () => {
    using threads = new Threads("tests/server/faulty-worker.ts");
    const { fd, port, close } = bindSocket({ address: parseAddress("::"), port: 0, receiveBuffer: 1 << 20 });
    const server = await start({ sockets: [fd], workers: 1 });
    expect(server).toMatchObject({ port, addresses: ["::"], options: { transport: "mmsg" } });
    await using client = await Client.open(port);
    client.send(announcement(NODE, 4711));
    expect(await client.ask(query(NODE))).toBeDefined();
    const wake = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    threads.list[0]!.postMessage({ type: "fail", step: "idle", how: "spin", wake } satisfies FailCommand);
    await until(() => server.stats().replaced === 1, "the worker to be replaced");
    expect(await client.ask(query(NODE))).toBeDefined();
    await server.stop();
    expect(fstatSync(fd).isSocket()).toBe(true);
    new Uint8Array(wake.buffer)[0] = 1;
    close();
  });

  onLinux("are refused if they are connected, because they hear one address only", async () => {
    const socket = bindSocket({ address: parseAddress("127.0.0.1"), port: 0, receiveBuffer: 1 << 20 });
    detachSocket(socket);
    await expect(start({ sockets: [socket.fd] })).rejects.toThrow(
      `sockets cannot be used: descriptor ${socket.fd} is connected, so it hears one address only: pass a socket that is only bound`,
    );
    socket.close();
  });

  onLinux("of IPv4 alone are no reason for a warning that the host has no IPv6", async () => {
    const lines: string[] = [];
    await configure({
      reset: true,
      sinks: { lines: (record) => void lines.push(record.message.join("")) },
      loggers: [
        { category: "whereabouts", lowestLevel: "warning", sinks: ["lines"] },
        { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
      ],
    });
    const { fd, close } = bindSocket({ address: parseAddress("0.0.0.0"), port: 0, receiveBuffer: 1 << 20 });
    await using server = await start({ sockets: [fd] });
    expect(server.addresses).toEqual(["0.0.0.0"]);
    expect(lines.filter((line) => line.includes("IPv6"))).toEqual([]);
    await server.stop();
    await reset();
    close();
  });

  onLinux("cannot be combined with a host or a port", async () => {
    const { fd, close } = bindSocket({ address: parseAddress("::"), port: 0, receiveBuffer: 1 << 20 });
    for (const option of [{ host: "::1" }, { port: 0 }, { sharePort: true }]) {
      const text = `${Object.keys(option)[0]} cannot be combined with sockets`;
      await expect(start({ sockets: [fd], ...option })).rejects.toThrow(text);
    }
    close();
  });
});

describe.each(SOCKET_TRANSPORTS)("sharePort on transport %s", (transport) => {
  onLinux("lets a server start beside another one, which fails without it", async () => {
    await using first = await start({ host: "127.0.0.1", port: 0, transport });
    const { port } = first;
    await expect(start({ host: "127.0.0.1", port, transport })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await using second = await start({ host: "127.0.0.1", port, transport, sharePort: true });
    expect(second.port).toBe(port);
  });

  testIf(process.platform === "linux" && hasRedis, NEEDS_REDIS)(
    "replaces a running server that shares its journal: no query is lost, no node is forgotten",
    async () => {
      await using redis = await Redis.start();
      // Every address: the server has sockets for the single addresses, too.
      const options = { host: "::", transport, workers: 2, journal: redis.url } as const;
      let server = await start({ ...options, port: 0 });
      const { port } = server;
      await using client = await Client.open(port);
      client.send(announcement(NODE, 4711));
      // A server knows only then what another one was told.
      await until(() => server.stats().journal.appended === 1, "the journal");
      await using queries = await SteadyQueries.start(port, NODE);
      for (let restarts = 0; restarts < 3; restarts++) {
        const id = ascii(`NEW-${restarts}`);
        client.send(announcement(id, 1));
        await until(() => server.stats().nodes === 2 + restarts, "the announcement");
        const next = await start({ ...options, port, sharePort: true });
        await queries.more(200);
        await server.stop();
        server = next;
        await queries.more(200);
        await until(() => server.stats().nodes === 2 + restarts, "all nodes");
      }
      expect(await queries.lost()).toBe(0);
      await server.stop();
    },
  );
});
