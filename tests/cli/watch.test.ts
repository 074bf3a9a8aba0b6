// The command `whereabouts watch` on simulated hosts, and `announce` and `lookup` on the same LAN.
import { describe, expect, test } from "bun:test";
import { fit } from "../../src/cli/terminal/columns.ts";
import { COLORED, nodeIdText, PLAIN, showAge, showNodeId, visible } from "../../src/cli/terminal/style.ts";
import { type Highlight, renderTable, type View } from "../../src/cli/terminal/table.ts";
import { timeStamp } from "../../src/cli/terminal/time.ts";
import { ChangeLines } from "../../src/cli/watch/lines.ts";
import { NODES, nodeChange, nodeEventJson, nodeRow } from "../../src/cli/watch/nodes.ts";
import { watchCommand } from "../../src/cli/watch.ts";
import type { LanEvent, LanNode } from "../../src/client/index.ts";
import { type CommandOf, describeCommand, OutputLines, run, start, TerminalCommand } from "../support/command.ts";
import { helpOf } from "../support/help.ts";
import { testIf } from "../support/needs.ts";
import { type Host, hasNetns, NEEDS_NETNS, twoHosts } from "../support/netns.ts";
import { ascii } from "../support/packets.ts";
import { testRefusals } from "../support/refusals.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";

const lan = testIf(hasNetns, NEEDS_NETNS);
const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);

function announcer(start: CommandOf["start"]) {
  return (host: Host, id: string, port: number, flags: readonly string[] = []) =>
    start(["announce", "--id", id, "--port", `${port}`, "--lan", ...flags], { by: host.command([]) });
}

/** Waits until as many commands listen in the host: they do not report it, but the kernel lists their sockets. */
async function listening(host: Host, commands = 1): Promise<void> {
  // 21025 in hexadecimal.
  const sockets = () => host.run("cat /proc/net/udp").match(/ 00000000:5221 /g)?.length ?? 0;
  await until(() => sockets() >= commands, "sockets that listen");
}

function node(id: string | Uint8Array, change: Partial<LanNode> = {}): LanNode {
  const nodeId = typeof id === "string" ? ascii(id) : id;
  return { nodeId, ip: "192.168.0.34", port: 22000, via: "lan", seenAt: NOW - 12_345, ...change };
}

describeCommand("whereabouts watch", ({ run, start, terminal }) => {
  const announce = announcer(start);

  lan(
    "prints a line per change, as text and as JSON, and exits with 0 after a signal",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      const by = hosts.b.command([]);
      await using text = start(["watch"], { by });
      await using json = start(["watch", "--json"], { by });
      const [lines, objects] = [new OutputLines(text.stdout), new OutputLines(json.stdout)];
      await listening(hosts.b, 2);
      await using first = announce(hosts.a, "NODE-A", 22000);
      expect(await lines.next(/NODE-A/)).toMatch(
        /^\d{4}-\d\d-\d\dT[\d:]{8}\+00:00 {2}\+ {2}NODE-A {2}10\.9\.0\.1:22000$/,
      );
      await objects.next(/"node"/);
      first.kill();
      await first.exited;
      await using second = announce(hosts.a, "NODE-A", 22001);
      expect(await lines.next(/NODE-A/)).toEndWith("  ~  NODE-A  10.9.0.1:22000 -> 10.9.0.1:22001");
      await objects.next(/"moved"/);
      second.kill();
      text.kill("SIGINT");
      json.kill("SIGTERM");
      expect(await Promise.all([text.exited, json.exited, second.exited])).toEqual([0, 0, 0]);
      await Promise.all([lines.end, objects.end]);
      const common = { nodeId: "NODE-A", nodeIdHex: "4e4f44452d41", ip: "10.9.0.1", seenAt: expect.any(Number) };
      expect(objects.lines.map((line) => JSON.parse(line))).toEqual([
        { ...common, type: "node", port: 22000 },
        { ...common, type: "moved", port: 22001 },
      ]);
      expect(await text.stderr.text()).toBe("");
    },
    TEST_LIMIT_MS,
  );

  lan(
    "exits with 0 and without a message when nobody reads its output any more",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      await using child = start(["watch"], { by: hosts.b.command([]) });
      const reader = child.stdout.getReader();
      await listening(hosts.b);
      await using _one = announce(hosts.a, "ONE", 1);
      await reader.read();
      await reader.cancel();
      await using _two = announce(hosts.a, "TWO", 2);
      expect(await child.exited).toBe(0);
      expect(await child.stderr.text()).toBe("");
    },
    TEST_LIMIT_MS,
  );

  lan(
    "reports in one line that its output cannot be written, and exits with 1",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      const by = [...hosts.b.command(["sh", "-c", `"$0" "$@" >/dev/full`])];
      const result = run(["watch"], "", { by });
      await listening(hosts.b);
      await using _one = announce(hosts.a, "ONE", 1);
      expect(await result).toMatchObject({
        err: "whereabouts: error: standard output cannot be written: the disk is full\n",
        code: 1,
      });
    },
    TEST_LIMIT_MS,
  );

  lan(
    "shows a table on a terminal, follows its size, and restores the terminal at the end",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      const size = { cols: 40, rows: 10 };
      await using shown = terminal(["watch"], { by: hosts.b.command([]) }, size);
      await until(() => shown.text.includes("None heard yet"), "the empty table");
      expect(shown.text).toStartWith("\x1b[?1049h\x1b[?25l");
      await listening(hosts.b);
      const long = "P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ";
      await using _other = announce(hosts.a, long, 22000);
      const shows = (line: RegExp) => line.test(Bun.stripANSI(shown.text));
      await until(() => shows(/P56IOI7MZJNU2… {2}10\.9\.0\.1:22000 {2}(just now|\d+ s ago)/), "the node");
      await until(() => shows(/10\.9\.0\.1:22000 {2}\d+ s ago/), "its age");
      shown.text = "";
      shown.terminal.resize(100, 10);
      await until(() => Bun.stripANSI(shown.text).includes(`${long}  10.9.0.1:22000`), "the wider table");
      shown.terminal.write("\x03");
      expect(await shown.child.exited).toBe(0);
      await until(() => shown.text.includes("\x1b[?1049l"), "the end");
      const [, left] = shown.text.split("\x1b[?7h\x1b[?25h\x1b[?1049l");
      expect(Bun.stripANSI(left!)).toContain(`\n${long}  10.9.0.1:22000`);
    },
    TEST_LIMIT_MS,
  );

  lan(
    "reports in one line that another program holds the port without sharing it, and exits with 1",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      const code = `require("dgram").createSocket("udp4").bind(21025, () => console.log("ready"))`;
      await using holder = Bun.spawn(hosts.a.command([process.execPath, "-e", code]), { stdout: "pipe" });
      await new OutputLines(holder.stdout).next(/ready/);
      const result = await run(["watch"], "", { by: hosts.a.command([]) });
      expect(result).toEqual({
        out: "",
        err: "whereabouts: error: lan: UDP port 21025 (IPv4) is in use by another program that does not share it: end it first\n",
        code: 1,
      });
    },
    TEST_LIMIT_MS,
  );
});

describe("whereabouts watch", () => {
  lan(
    "shows an error of the start in the table",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      const args = ["watch", "--interface", "nope,b0"];
      await using shown = new TerminalCommand(args, { by: hosts.b.command([]) }, { cols: 80, rows: 10 });
      await until(() => shown.text.includes("there is no interface nope"), "the error");
      shown.terminal.write("\x03");
      expect(await shown.child.exited).toBe(0);
    },
    TEST_LIMIT_MS,
  );

  test("--help shows an example of each output", () => {
    expect(helpOf(watchCommand())).toContain("whereabouts watch --json");
  });
});

testRefusals("watch", [
  ["an argument", ["extra"], "too many arguments"],
  ["an unknown flag", ["--server", "x"], "unknown option '--server'"],
]);

describeCommand("on a LAN", ({ run, start }) => {
  const announce = announcer(start);

  lan(
    "announce prints what it sent to broadcast and multicast, and lookup receives it and ends",
    async () => {
      await using hosts = await twoHosts();
      const looking = run(["lookup", "NODE-A", "--lan", "--timeout", "20"], "", { by: hosts.b.command([]) });
      await listening(hosts.b);
      await using announcing = announce(hosts.a, "NODE-A", 22000);
      const printed = new OutputLines(announcing.stdout);
      await printed.next(/ {2}sent {7}lan {2}10\.9\.0\.255:21025 +24 bytes$/);
      await printed.next(/ {2}sent {7}lan {2}\[ff02::2012:1025%a0\]:21025 +24 bytes$/);
      announcing.kill();
      const { out, err, code } = await looking;
      expect(out).toMatch(/^NODE-A {2}(10\.9\.0\.1|\[fe80::[0-9a-f:]+%b0\]):22000 +via lan {2}just now\n$/);
      expect({ err, code }).toEqual({ err: "", code: 0 });
    },
    TEST_LIMIT_MS,
  );
});

/** Groups and interfaces are chosen in the same way under each runtime. */
describe("on a LAN", () => {
  const announce = announcer(start);

  lan(
    "lookup finds a node that announced itself before, since it is asked, and nodes of its group only",
    async () => {
      await using hosts = await twoHosts();
      await using plain = announce(hosts.a, "NODE-A", 22000);
      await using grouped = announce(hosts.a, "NODE-A", 22001, ["--group", "app"]);
      for (const { stdout } of [plain, grouped]) await new OutputLines(stdout).next(/ {2}sent /);
      await Bun.sleep(1000); // What was sent at the start is over.
      const look = async (...flags: string[]) => {
        // Less than the 30 s between announcements.
        const args = ["lookup", "NODE-A", "--lan", "--timeout", "10", ...flags];
        const { out, err, code } = await run(args, "", { by: hosts.b.command([]) });
        expect({ err, code }).toEqual({ err: "", code: 0 });
        return /:(\d+) +via lan/.exec(out)?.[1];
      };
      expect(await look()).toBe("22000");
      expect(await look("--group", "app")).toBe("22001");
      const other = ["lookup", "NODE-A", "--lan", "--timeout", "2", "--group", "other"];
      const missing = await run(other, "", { by: hosts.b.command([]) });
      expect(missing).toEqual({ out: "NODE-A  not found\n", err: "", code: 1 });
    },
    TEST_LIMIT_MS,
  );

  lan(
    "watch shows the nodes of its group, without the group's name",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      await using watching = start(["watch", "--group", "app"], { by: hosts.b.command([]) });
      const lines = new OutputLines(watching.stdout);
      await listening(hosts.b);
      await using other = announce(hosts.a, "OTHER", 1);
      await new OutputLines(other.stdout).next(/ {2}sent /);
      await using _grouped = announce(hosts.a, "NODE-A", 2, ["--group", "app"]);
      expect(await lines.next(/./)).toEndWith("  +  NODE-A  10.9.0.1:2");
      watching.kill();
      expect(await watching.exited).toBe(0);
    },
    TEST_LIMIT_MS,
  );

  lan(
    "only the interfaces of --interface are used, and one that does not exist is an error",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      await using known = announce(hosts.a, "NODE-A", 22000);
      await new OutputLines(known.stdout).next(/ {2}sent /);
      const by = hosts.b.command([]);
      const look = (interfaces: string, seconds: number) =>
        run(["lookup", "NODE-A", "--lan", "--interface", interfaces, "--timeout", `${seconds}`], "", { by });
      expect(await look("b0", 20)).toMatchObject({ err: "", code: 0 });
      expect(await look("nope,b0", 20)).toEqual({
        out: expect.stringMatching(/^NODE-A /),
        err: "whereabouts: error: lan: there is no interface nope, only lo, b0\n",
        code: 0,
      });
      const { out, err, code } = await look("lo", 2);
      expect({ out, code }, err).toEqual({ out: "NODE-A  not found\n", code: 1 });
      await using announcing = announce(hosts.b, "NODE-B", 1, ["--interface", "nope"]);
      expect(await new OutputLines(announcing.stderr).next(/ {2}error {6}/)).toContain("nope");
      announcing.kill();
      expect(await announcing.exited).toBe(0);
    },
    TEST_LIMIT_MS,
  );
});

describe("a change as a line", () => {
  const event = (type: LanEvent["type"], change: Partial<LanNode> = {}): LanEvent => ({ ...node("A", change), type });

  test("has time, kind, NodeID and address; if a node moved, also its earlier address, if that is known", () => {
    const lines = new ChangeLines(PLAIN);
    const printed = [
      event("node"),
      event("moved", { ip: "fe80::1%eth0" }),
      event("gone", { ip: "fe80::1%eth0" }),
      event("moved"),
    ].map((it) => lines.line(nodeChange(it), NOW).replace(/^.{25}/, ""));
    expect(printed).toEqual([
      "  +  A  192.168.0.34:22000",
      "  ~  A  192.168.0.34:22000 -> [fe80::1%eth0]:22000",
      "  -  A  [fe80::1%eth0]:22000",
      "  ~  A  192.168.0.34:22000",
    ]);
  });

  test("has the same text with and without colors", () => {
    const [plain, colored] = [new ChangeLines(PLAIN), new ChangeLines(COLORED)].map((it) =>
      it.line(nodeChange(event("node")), NOW),
    );
    expect(colored).not.toBe(plain!);
    expect(Bun.stripANSI(colored!)).toBe(plain!);
  });

  test("has the NodeID in JSON as text and in hex", () => {
    expect(nodeEventJson(event("gone"))).toBe(
      `{"type":"gone","nodeId":"A","nodeIdHex":"41","ip":"192.168.0.34","port":22000,"seenAt":${NOW - 12_345}}`,
    );
    expect(nodeEventJson(event("node", { nodeId: Uint8Array.of(0x9b) }))).toContain('"nodeId":null,"nodeIdHex":"9b"');
  });
});

const renderNodes = (nodes: readonly LanNode[], view: View) => renderTable(nodes.map(nodeRow), NODES, view);

describe("the table", () => {
  const view: View = { columns: 80, rows: 24, now: NOW, style: PLAIN };

  test("is sorted by NodeID, and its columns are as wide as their values", () => {
    const nodes = [node("NODE-B", { ip: "2001:db8::1", seenAt: NOW }), node("A"), node(Uint8Array.of(27))];
    expect(renderNodes(nodes, view).map((line) => line.trimEnd())).toEqual([
      "3 nodes on the LAN",
      "",
      "NODE    ADDRESS              HEARD",
      "0x1b    192.168.0.34:22000   12 s ago",
      "A       192.168.0.34:22000   12 s ago",
      "NODE-B  [2001:db8::1]:22000  just now",
    ]);
  });

  test("shows that there are no nodes yet, and the latest error", () => {
    expect(renderNodes([], { ...view, error: { message: "lan: \x1b[2J", at: NOW - 3000 } })).toEqual([
      "0 nodes on the LAN",
      "",
      "None heard yet. Most nodes answer at once, others within 30 s.",
      "lan: \\u{1b}[2J (3 s ago)",
    ]);
  });

  test("shows as many nodes as fit, and counts the others", () => {
    const nodes = Array.from({ length: 30 }, (_, i) => node(`NODE-${10 + i}`));
    const lines = renderNodes(nodes, { ...view, rows: 10, error: { message: "lan: wrong", at: NOW } });
    expect(lines).toHaveLength(10);
    expect(lines[7]).toStartWith("NODE-14 ");
    expect(lines.slice(8)).toEqual(["and 25 more", "lan: wrong (just now)"]);
    expect(renderNodes(nodes, { ...view, rows: 33 })).toHaveLength(33);
    expect(renderNodes(nodes, { ...view, rows: 33 }).join()).not.toContain("more");
  });

  test("fits any terminal", () => {
    const nodes = [
      node("x".repeat(1008), { ip: "2001:db8:1111:2222:3333:4444:5555:6666" }),
      node("日本語のとても長い名前".repeat(5)),
      node("👩‍👩‍👧‍👦".repeat(20)),
      ...Array.from({ length: 20 }, (_, i) => node(`${i}`)),
    ];
    for (const columns of [1, 2, 3, 5, 10, 20, 39, 40, 41, 80, 200]) {
      for (const rows of [1, 2, 3, 4, 5, 10, 24]) {
        for (const error of [undefined, { message: "an error that is a little longer than some are wide", at: NOW }]) {
          const lines = renderNodes(nodes, { ...view, columns, rows, error, style: COLORED });
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
        }
      }
    }
  });

  test("shortens NodeIDs, not addresses, if the terminal is too narrow for both", () => {
    const lines = renderNodes([node("x".repeat(52))], { ...view, columns: 50 });
    expect(lines[3]).toBe(`${"x".repeat(19)}…  192.168.0.34:22000  12 s ago`);
    expect(Bun.stringWidth(lines[3]!)).toBe(50);
  });

  test("highlights new and moved nodes for a while", () => {
    const highlights = new Map<string, Highlight>([
      ["41", { type: "new", until: NOW + 1 }],
      ["42", { type: "moved", until: NOW + 1 }],
      ["43", { type: "new", until: NOW }],
    ]);
    const lines = renderNodes([node("A"), node("B"), node("C")], { ...view, style: COLORED, highlights });
    expect(lines.slice(3).map((line) => line.includes("\x1b[32m"))).toEqual([true, false, false]);
    expect(lines.slice(3).map((line) => line.includes("\x1b[33m"))).toEqual([false, true, false]);
  });
});

describe("text for people", () => {
  test.each([
    ["letters", ascii("NODE-A"), "NODE-A"],
    ["any script", ascii("Knötchen 結び目"), "Knötchen 結び目"],
    ["an escape sequence", ascii("\x1b[31m"), "0x1b5b33316d"],
    ["a line feed", ascii("a\nb"), "0x610a62"],
    ["a C1 control", ascii("\x9b2J"), "0xc29b324a"],
    ["text that changes its direction", ascii("a\u202eb"), "0x61e280ae62"],
    ["a byte order mark", ascii("\ufeffa"), "0xefbbbf61"],
    ["trailing blanks", ascii("a "), "0x6120"],
    ["bytes that are not UTF-8", Uint8Array.of(0xc3, 0x28), "0xc328"],
  ])("shows a NodeID of %s", (_, bytes, text) => {
    expect(showNodeId(bytes)).toBe(text);
    expect(nodeIdText(bytes)).toBe(text.startsWith("0x") ? undefined : text);
  });

  test("shows ages in seconds, minutes or hours", () => {
    const ages = [-5000, 0, 999, 1000, 119_999, 120_000, 7_199_999, 7_200_000, 360_000_000].map(showAge);
    expect(ages.join(", ")).toBe(
      "just now, just now, just now, 1 s ago, 119 s ago, 2 min ago, 119 min ago, 2 h ago, 100 h ago",
    );
  });

  test("shows local time with its offset from UTC", () => {
    const stamp = timeStamp(NOW);
    expect(stamp).toMatch(/^2026-0[12]-\d\dT\d\d:\d\d:00[+-]\d\d:\d\d$/);
    expect(new Date(stamp).getTime()).toBe(NOW);
  });

  test("does not cut a character in two", () => {
    expect([fit("日本語", 6), fit("日本語", 5), fit("日本語", 4), fit("ab", 3), fit("ab", 0)]).toEqual([
      "日本語",
      "日本…",
      "日… ",
      "ab ",
      "",
    ]);
  });

  test("escapes invisible characters", () => {
    expect(visible("a\nb\x1b\u{e0001}é")).toBe("a\\u{a}b\\u{1b}\\u{e0001}é");
  });
});
