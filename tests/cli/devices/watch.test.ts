// `whereabouts watch --syncthing` and `lookup --lan --syncthing` on simulated hosts.
import { describe, expect, test } from "bun:test";
import { PLAIN } from "../../../src/cli/terminal/style.ts";
import { type Row, renderTable, type View } from "../../../src/cli/terminal/table.ts";
import { DEVICES, deviceChange, deviceEventJson, deviceRow } from "../../../src/cli/watch/devices.ts";
import { ChangeLines } from "../../../src/cli/watch/lines.ts";
import { describeCommand, OutputLines, run, TerminalCommand } from "../../support/command.ts";
import { testIf } from "../../support/needs.ts";
import { type Host, hasNetns, NEEDS_NETNS, twoHosts } from "../../support/netns.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";
import { TestDevice } from "./beacon.ts";

const lan = testIf(hasNetns, NEEDS_NETNS);
const BROADCAST = "10.9.0.255";
const ADDRESSES = ["tcp://0.0.0.0:22000", "quic://0.0.0.0:22000"];

/** Waits until as many commands listen in the host: they do not report it, but the kernel lists their sockets. */
async function listening(host: Host, commands = 1): Promise<void> {
  // 21027 in hexadecimal.
  const sockets = () => host.run("cat /proc/net/udp").match(/ 00000000:5223 /g)?.length ?? 0;
  await until(() => sockets() >= commands, "sockets that listen");
}

describeCommand("devices of Syncthing on a LAN", ({ start }) => {
  lan(
    "are printed by watch with each change, as text and as JSON",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      const by = hosts.b.command([]);
      await using text = start(["watch", "--syncthing"], { by });
      await using json = start(["watch", "--syncthing", "--json"], { by });
      const [lines, objects] = [new OutputLines(text.stdout), new OutputLines(json.stdout)];
      await listening(hosts.b, 2);
      await using device = new TestDevice(hosts.a, BROADCAST, 7);
      const { deviceId } = device;
      device.announce(ADDRESSES);
      const first = "tcp://10.9.0.1:22000, quic://10.9.0.1:22000";
      expect(await lines.next(/./)).toMatch(/^\d{4}-\d\d-\d\dT[\d:]{8}\+00:00 {2}\+ {2}/);
      expect(lines.lines[0]).toEndWith(`  +  ${deviceId}  ${first}`);
      await objects.next(/"device"/);
      device.announce(["tcp://0.0.0.0:22001"]);
      expect(await lines.next(/./)).toEndWith(`  ~  ${deviceId}  ${first} -> tcp://10.9.0.1:22001`);
      await objects.next(/"moved"/);
      text.kill("SIGINT");
      json.kill("SIGTERM");
      expect(await Promise.all([text.exited, json.exited])).toEqual([0, 0]);
      const common = { deviceId, seenAt: expect.any(Number) };
      expect(objects.lines.map((line) => JSON.parse(line))).toEqual([
        { ...common, type: "device", addresses: first.split(", ") },
        { ...common, type: "moved", addresses: ["tcp://10.9.0.1:22001"] },
      ]);
      expect(await text.stderr.text()).toBe("");
    },
    TEST_LIMIT_MS,
  );
});

/** The table and the lookup, whose sockets are those of the test above. */
describe("devices of Syncthing on a LAN", () => {
  lan(
    "are shown by watch in a table on a terminal",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      const by = hosts.b.command([]);
      await using shown = new TerminalCommand(["watch", "--syncthing"], { by }, { cols: 110, rows: 10 });
      await until(() => shown.text.includes("0 devices on the LAN"), "the empty table");
      await listening(hosts.b);
      await using device = new TestDevice(hosts.a, BROADCAST, 7);
      device.announce(ADDRESSES);
      const row = new RegExp(`${device.deviceId}  tcp://10\\.9\\.0\\.1:22000   (just now|\\d+ s ago)`);
      await until(() => row.test(Bun.stripANSI(shown.text)), "the device");
      shown.terminal.write("\x03");
      expect(await shown.child.exited).toBe(0);
      await until(() => shown.text.includes("\x1b[?1049l"), "the end");
      const [, left] = shown.text.split("\x1b[?1049l");
      const gap = " ".repeat(device.deviceId.length);
      expect(Bun.stripANSI(left!)).toContain(`\n${gap}  quic://10.9.0.1:22000`);
    },
    TEST_LIMIT_MS,
  );

  lan(
    "are found by lookup, without addresses that would be commands of the terminal",
    async () => {
      await using hosts = await twoHosts({ ipv6: false });
      await using device = new TestDevice(hosts.a, BROADCAST, 7);
      const args = ["lookup", device.deviceId, "--lan", "--syncthing", "--timeout", "20"];
      const looking = run(args, "", { by: hosts.b.command([]) });
      await listening(hosts.b);
      device.announce([...ADDRESSES, "tcp://\x1b[2J:22000"]);
      const { out, err, code } = await looking;
      expect(out).toBe(`${device.deviceId}  via lan  just now\n  tcp://10.9.0.1:22000\n  quic://10.9.0.1:22000\n`);
      expect({ err, code }).toEqual({ err: "", code: 0 });
    },
    TEST_LIMIT_MS,
  );
});

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);
const DEVICE = {
  deviceId: "AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA",
  addresses: ["tcp://192.168.0.34:22000", "quic://192.168.0.34:22000"],
  via: "lan",
  seenAt: NOW - 12_345,
} as const;

test("a device that is gone has a line with its last addresses, and is an object in JSON", () => {
  const event = { ...DEVICE, type: "gone" } as const;
  expect(new ChangeLines(PLAIN).line(deviceChange(event), NOW)).toEndWith(
    `  -  ${DEVICE.deviceId}  tcp://192.168.0.34:22000, quic://192.168.0.34:22000`,
  );
  expect(deviceEventJson(event)).toBe(
    `{"type":"gone","deviceId":"${DEVICE.deviceId}","addresses":["${DEVICE.addresses.join('","')}"],"seenAt":${NOW - 12_345}}`,
  );
});

describe("the table of devices", () => {
  const view: View = { columns: 80, rows: 24, now: NOW, style: PLAIN };
  const row = (id: string, addresses: readonly string[]): Row => ({ key: id, id, addresses, seenAt: NOW - 12_345 });
  const render = (rows: readonly Row[], change: Partial<View> = {}) =>
    renderTable(rows, DEVICES, { ...view, ...change }).map((line) => line.trimEnd());

  test("has a line for each address, and the device ID in the first of them", () => {
    expect(render([row("BBBBBBB", ["tcp://192.0.2.1:1"]), row("AAAAAAA", DEVICE.addresses)])).toEqual([
      "2 devices on the LAN",
      "",
      "DEVICE    ADDRESS                    HEARD",
      "AAAAAAA   tcp://192.168.0.34:22000   12 s ago",
      "          quic://192.168.0.34:22000",
      "BBBBBBB   tcp://192.0.2.1:1          12 s ago",
    ]);
  });

  test("has a line for a device without an address that can be dialled, as the lines of changes have", () => {
    const device = { ...DEVICE, addresses: [] };
    expect(render([deviceRow(device)])).toEqual([
      "1 device on the LAN",
      "",
      `DEVICE${" ".repeat(45)}  ADDRESS            HEARD`,
      `${DEVICE.deviceId.slice(0, 50)}…  no usable address  12 s ago`,
    ]);
    const line = new ChangeLines(PLAIN).line(deviceChange({ ...device, type: "device" }), NOW);
    expect(line).toEndWith(`  +  ${DEVICE.deviceId}  no usable address`);
  });

  test("cuts device IDs for the sake of addresses with an IP, but not for longer ones", () => {
    const relay = `relay://192.0.2.9:22067/?id=${DEVICE.deviceId}&networkTimeout=2m0s`;
    const lines = (columns: number, ...addresses: string[]) =>
      render([row(DEVICE.deviceId, addresses)], { columns }).slice(3);
    expect(lines(70, ...DEVICE.addresses)).toEqual([
      "AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-…  tcp://192.168.0.34:22000   12 s ago",
      `${" ".repeat(33)}  quic://192.168.0.34:22000`,
    ]);
    const ipv6 = "quic://[2001:db8:1111:2222:3333:4444:5555:6666]:22000";
    expect(lines(80, ipv6, relay)).toEqual([
      `AAAAAAA-AAAAA…  ${ipv6}   12 s ago`,
      `${" ".repeat(14)}  relay://192.0.2.9:22067/?id=AAAAAAA-AAAAAAA-AAAAAAA-A…`,
    ]);
    expect(lines(60, relay)).toEqual(["AAAAAAA…  relay://192.0.2.9:22067/?id=AAAAAAA-AAA…  12 s ago"]);
    expect(lines(140, relay)[0]).toStartWith(`${DEVICE.deviceId}  relay://192.0.2.9:22067/?id=AAAAAAA`);
  });

  test("shows as many lines as fit, and counts the devices or addresses that do not", () => {
    const rows = ["A", "B", "C"].map((id) => row(id, DEVICE.addresses));
    const ends = [9, 8, 7, 6, 5].map((height) => render(rows, { rows: height }).at(-1));
    const last = "          quic://192.168.0.34:22000";
    expect(ends).toEqual([last, "and 1 more", "and 1 more", "and 2 more", "and 2 more"]);
    const many = [row("A", ["tcp://192.0.2.1:1", "tcp://192.0.2.1:2", "tcp://192.0.2.1:3", "tcp://192.0.2.1:4"])];
    expect(render(many, { rows: 6 }).slice(-2)).toEqual(["          tcp://192.0.2.1:2", "and 2 more addresses"]);
    for (const height of [1, 2, 3, 4, 5, 6, 7, 8, 9]) expect(render(rows, { rows: height }).length).toBe(height);
  });
});
