// `whereabouts server --transport xdp`: what its user sees.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { transportText } from "../../src/admin/transport-text.ts";
import { Client } from "../support/client.ts";
import { OutputLines, run, start } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import { twoHosts } from "../support/netns.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { hasXdp, NEEDS_XDP } from "../support/xdp.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const ASK = new URL("../transport/client-in-namespace.ts", import.meta.url).pathname;
const ADMIN = "127.0.0.1:22080";

test("the transport is shown with its interface, and with what is not served", () => {
  const shown = { interface: "eth0", mode: "native", queues: 4, served: 4 } as const;
  expect(transportText("mmsg", null)).toBe("mmsg");
  expect(transportText("xdp", shown)).toBe("xdp on eth0 (native, 4 queues)");
  expect(transportText("xdp", { ...shown, mode: "generic", queues: 1, served: 1 })).toBe(
    "xdp on eth0 (generic, 1 queue)",
  );
  expect(transportText("xdp", { ...shown, served: 3 })).toBe("xdp on eth0 (native, 3 of 4 queues)");
  expect(transportText("xdp", { ...shown, served: 0 })).toBe("xdp on eth0 (not served)");
  expect(transportText("xdp", { ...shown, mode: undefined, queues: 0, served: 0 })).toBe("xdp on eth0 (not served)");
});

testIf(hasXdp, NEEDS_XDP)(
  "log and status say which interface the server serves, when it is gone, and when it is served again",
  async () => {
    await using hosts = await twoHosts();
    const { a, b } = hosts;
    const flags = ["--transport", "xdp", "--interface", "b0", "--fallback", "no", "--coalesce", "50"];
    const child = start(["server", ...flags, "--admin", ADMIN, "--log-format", "json"], { by: b.command([]) });
    const log = new OutputLines(child.stdout);
    const next = async (pattern: RegExp) => JSON.parse(await log.next(pattern));
    const begin = await next(/listens on/);
    expect(begin.message).toContain(": wasm engine, 1 worker, transport xdp on b0 (native, 1 queue), journal memory");
    const shown = { transport: "xdp", interface: "b0", mode: "native", queues: 1, served: 1 };
    expect(begin.properties).toMatchObject(shown);

    const ask = async () =>
      await Bun.spawn(a.command([process.execPath, ASK, "ask", "0.0.0.0", "10.9.0.2", "22025"])).stdout.text();
    const reply = announcement(ascii("NODE"), 4711, Uint8Array.of(10, 9, 0, 1)).toHex();
    expect(await ask()).toBe(`${reply}\n`);
    const { out } = await run(["status", "--json", "--admin", ADMIN], "", { by: b.command([]) });
    expect(JSON.parse(out).xdp).toEqual({
      ...{ interface: "b0", mode: "native", queues: 1, served: 1, problem: null },
      ...{ received: 2, sent: 1, damaged: 0, dropped: 0 },
    });

    b.run("ip link del b0");
    const problem = await next(/does not serve all of b0/);
    expect(problem).toMatchObject({ level: "WARN", properties: { problem: "xdp" } });
    expect(problem.message).toContain("there is no such interface");
    a.cable("a0", b, "b0");
    a.run("ip addr add 10.9.0.1/24 dev a0; ip link set a0 up");
    b.run("ip addr add 10.9.0.2/24 dev b0; ip link set b0 up");
    expect((await next(/serves all of b0 again/)).properties).toMatchObject({ problem: "xdp" });
    await Promise.all([a.linked("a0"), b.linked("b0")]);
    expect(await ask()).toBe(`${reply}\n`);

    child.kill();
    expect(await child.exited).toBe(0);
    expect(b.run("ip -d link show b0")).not.toContain("xdp");
  },
);

describe("an interface that is not there", () => {
  const LOOPBACK = ["--host", "127.0.0.1", "--port", "0"];
  const onLinux = testIf(process.platform === "linux", "needs Linux");

  onLinux("ends a server with --fallback no: one line that names the variable, exit code 1", async () => {
    // The journal has nothing to do with it.
    const env = { WHEREABOUTS_SERVER_INTERFACE: "nowhere0", WHEREABOUTS_FALLBACK: "no", WHEREABOUTS_JOURNAL: "memory" };
    const { out, err, code } = await run(["server", "--transport", "xdp", ...LOOPBACK, "--log-format", "json"], "", {
      env,
    });
    expect({ out, code }).toEqual({ out: "", code: 1 });
    expect(err).toMatch(
      /^whereabouts: error: cannot use the interface nowhere0: .+ \(set by WHEREABOUTS_SERVER_INTERFACE\)\n$/,
    );
  });

  onLinux("is a warning for a server without it, which answers all the same", async () => {
    const child = start(["server", "--transport", "xdp", "--interface", "nowhere0", ...LOOPBACK]);
    const log = new OutputLines(child.stdout);
    expect(await log.next(/nowhere0/)).toMatch(
      /\[WRN\] .* does not serve all of nowhere0: .*; meanwhile its packets go through the kernel's sockets, which costs more$/,
    );
    const line = await log.next(/listens on/);
    expect(line).toContain("transport xdp on nowhere0 (not served)");
    await using client = await Client.open(Number(/127\.0\.0\.1:(\d+)/.exec(line)![1]));
    client.send(announcement(ascii("A"), 22000));
    expect(await client.ask(query(ascii("A")))).toEqual(announcement(ascii("A"), 22000, Uint8Array.of(127, 0, 0, 1)));
    child.kill();
    expect(await child.exited).toBe(0);
  });
});
