// Socket activation: the server uses sockets that systemd, or another program, has bound.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { parseAddress } from "../../../src/transport/host.ts";
import { bindSocket, type PortSharing } from "../../../src/transport/socket.ts";
import { Client } from "../../support/client.ts";
import { MAIN, OutputLines } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { lastingPort } from "../../support/ports.ts";
import { SteadyQueries } from "../../support/steady-queries.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const onLinux = process.platform === "linux";
const ACTIVATE = Bun.which("systemd-socket-activate") ?? Bun.which("systemd-socket-activate", { PATH: "/usr/bin" });
const NODE = ascii("NODE");
const UNLIMITED = ["--allow", "127.0.0.0/8", "--journal", "memory"];
const ENV = { PATH: Bun.env.PATH!, WHEREABOUTS_ADMIN: "off", TZ: "UTC" };

function bound(address: string, port = 0, reusePort?: PortSharing) {
  return bindSocket({ address: parseAddress(address), port, reusePort, receiveBuffer: 1 << 20 });
}

/** Runs the server as systemd does, with these descriptors from 3 on. */
function serve(fds: readonly number[], args: readonly string[], env: Record<string, string> = {}) {
  const shell = 'export LISTEN_PID=$$; exec "$0" "$@"';
  return Bun.spawn(["sh", "-c", shell, process.execPath, MAIN, "server", ...UNLIMITED, ...args], {
    env: { ...ENV, LISTEN_FDS: `${fds.length}`, ...env },
    stdio: ["ignore", "pipe", "pipe", ...fds],
  });
}

/**
 * Announces the node until the server knows it. Workers that share a socket may handle a query before an announcement that was
 * sent just before it.
 *
 * @returns the server's reply
 */
async function announceNode(client: Client): Promise<Uint8Array> {
  await until(() => {
    client.send(announcement(NODE, 4711));
    client.send(query(NODE));
    return client.replies.length > 0;
  }, "the server");
  const [reply] = client.replies;
  // Late replies to the other queries.
  await Bun.sleep(0);
  client.replies.length = 0;
  return reply!;
}

describe("the server", () => {
  for (const [transport, workers] of [
    ["udp", "1"],
    ["mmsg", "2"],
  ] as const) {
    testIf(onLinux && ACTIVATE !== null, "needs systemd-socket-activate, of Debian's package systemd")(
      `is started by the first packet, and answers it: IPv4 and IPv6, --transport ${transport}, --workers ${workers}`,
      async () => {
        const port = await lastingPort();
        const flags = ["--transport", transport, "--workers", workers, "--admin", "off", "--journal", "memory"];
        const listen = ["127.0.0.1", "[::1]"].flatMap((host) => ["-l", `${host}:${port}`]);
        const child = Bun.spawn([ACTIVATE!, "-d", ...listen, process.execPath, MAIN, "server", ...flags], {
          // systemd-socket-activate does not pass variables on.
          stdin: "ignore",
          stdout: "pipe",
          stderr: "pipe",
        });
        await new OutputLines(child.stderr).next(/Listening on \[::1\]/);
        await using v4 = await Client.open(port);
        await using v6 = await Client.open(port, "::1");
        // The process starts only now.
        const known = await announceNode(v4);
        expect(known).toEqual(announcement(NODE, 4711, Uint8Array.of(127, 0, 0, 1)));
        expect(await v6.ask(query(NODE))).toEqual(known);
        const line = await new OutputLines(child.stdout).next(/listens on/);
        expect(line).toContain(`listens on udp 127.0.0.1:${port}, [::1]:${port}`);
        child.kill("SIGTERM");
        expect(await child.exited).toBe(0);
      },
    );
  }

  testIf(onLinux, "needs Linux")(
    "answers from the address that was asked, on a socket for every address that its workers share, and on sockets that share the port",
    async () => {
      const shared = bound("::");
      const group = [bound("0.0.0.0", 0, "first")];
      group.push(bound("0.0.0.0", group[0]!.port, "join"));
      for (const sockets of [[shared], group]) {
        const child = serve(
          sockets.map(({ fd }) => fd),
          ["--workers", "2"],
        );
        const { port } = sockets[0]!;
        const lines = new OutputLines(child.stdout);
        await lines.next(/listens on .* 2 workers, transport mmsg/);
        await using client = await Client.open(port);
        await announceNode(client);
        // Asked from many ports, so that each socket of the group gets some.
        for (let i = 0; i < 20; i++) {
          await using queries = await SteadyQueries.start(port, NODE, { host: "127.0.0.77", sockets: 1 });
          await queries.more(5);
          expect(await queries.lost()).toBe(0);
        }
        child.kill("SIGTERM");
        expect(await child.exited).toBe(0);
      }
      for (const { close } of [shared, ...group]) close();
    },
  );

  testIf(onLinux, "needs Linux")("loses no query while it restarts: they wait in the socket", async () => {
    using folder = new Folder();
    const { fd, port, close } = bound("::");
    const journal = ["--journal", `sqlite:${folder.at("registry.db")}`, "--workers", "2"];
    let child = serve([fd], journal);
    await using client = await Client.open(port);
    await announceNode(client);
    await using queries = await SteadyQueries.start(port, NODE);
    for (let restarts = 0; restarts < 2; restarts++) {
      await queries.more(500);
      child.kill("SIGTERM");
      expect(await child.exited).toBe(0);
      child = serve([fd], journal);
    }
    await queries.more(500);
    expect(await queries.lost()).toBe(0);
    child.kill("SIGTERM");
    await child.exited;
    close();
  });

  testIf(onLinux, "needs Linux")(
    "refuses, in one line, what does not go together with sockets of systemd",
    async () => {
      const udp = bound("127.0.0.1");
      const other = bound("127.0.0.1");
      const refused = async (fds: number[], args: string[], env?: Record<string, string>) => {
        const child = serve(fds, args, env);
        const [err, code] = await Promise.all([child.stderr.text(), child.exited]);
        expect(err.trim().split("\n")).toHaveLength(1);
        expect(code).toBe(2);
        return err;
      };
      expect(await refused([udp.fd], ["--host", "::1"])).toContain(
        "systemd passes the sockets, so --host has no effect",
      );
      expect(await refused([udp.fd], [], { WHEREABOUTS_PORT: "5" })).toContain("remove it (or WHEREABOUTS_PORT)");
      using file = new Folder();
      const fd = openSync(file.at("file"), "w");
      expect(await refused([fd], [])).toContain("descriptor 3 is no UDP socket");
      closeSync(fd);
      await expect(DiscoveryServer.start({ sockets: [udp.fd, other.fd] })).rejects.toThrow(
        `they are on the ports ${udp.port} and ${other.port}, and must be on one`,
      );
      for (const { close } of [udp, other]) close();
    },
  );
});

test("a server that is given no sockets binds its own", async () => {
  const child = serve([], ["--host", "127.0.0.1", "--port", "0", "--workers", "1"]);
  await new OutputLines(child.stdout).next(/listens on udp 127\.0\.0\.1:/);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
});
