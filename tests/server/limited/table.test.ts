import { describe, expect, setSystemTime, test } from "bun:test";
import { LIMIT_ANNOUNCEMENTS, LIMIT_NEW, LIMIT_NODE, LIMIT_QUERIES } from "../../../assembly/layout.ts";
import { KEPT, LimitedTable } from "../../../src/server/limited/table.ts";
import { parseNetwork } from "../../../src/server/network.ts";
import { HOUR } from "../../support/clock-steps.ts";
import { ascii } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";

const START = 1_000_000;

function packet(limit: number, ip: string, nodeId = "") {
  return { limit, address: parseNetwork(ip).address, nodeId: ascii(nodeId) };
}

/** What a table lists, in short. */
function listed(table: LimitedTable, now = START): string[] {
  return table
    .list(now)
    .map(({ kind, network, nodeId, limit, option, stopped }) =>
      [kind, network, nodeId && Buffer.from(nodeId).toString(), limit, option, stopped]
        .filter((x) => x !== undefined)
        .join(" "),
    );
}

describe("the table of limited keys", () => {
  test("has sources, networks and NodeIDs, each by its limit", () => {
    const table = new LimitedTable(false);
    const add = (count: number, ...what: Parameters<typeof packet>) => table.add(packet(...what), count, START);
    add(1, LIMIT_QUERIES, "192.0.2.1");
    add(2, LIMIT_QUERIES, "192.0.2.2");
    add(3, LIMIT_ANNOUNCEMENTS, "192.0.2.1");
    add(4, LIMIT_NEW, "192.0.2.1");
    add(5, LIMIT_QUERIES, "2001:db8:1:2::3");
    add(6, LIMIT_QUERIES, "2001:db8:1:2:ffff::4");
    add(7, LIMIT_QUERIES + 1, "198.51.100.1");
    add(8, LIMIT_QUERIES + 1, "198.51.100.2");
    add(9, LIMIT_NEW + 2, "2001:db8:1:2::3");
    add(10, LIMIT_NEW + 2, "2001:db8:1:ffff::3");
    add(40, LIMIT_NODE, "192.0.2.1", "A");
    add(50, LIMIT_NODE, "192.0.2.1", "B");
    add(60, LIMIT_NODE, "192.0.2.2", "B");
    add(70, LIMIT_NODE + 1, "192.0.2.1", "B");
    add(80, LIMIT_NODE + 1, "2001:db8::1", "B");
    expect(listed(table)).toEqual([
      "node B node nodeRate 150",
      "source 192.0.2.2/32 B node nodeRate 60",
      "source 192.0.2.1/32 B node nodeRate 50",
      "source 192.0.2.1/32 A node nodeRate 40",
      "network 2001:db8:1::/48 new newRate 19",
      "network 198.51.100.0/24 queries sourceRate 15",
      "source 2001:db8:1:2::/64 queries sourceRate 11",
      "source 192.0.2.1/32 new newRate 4",
      "source 192.0.2.1/32 announcements sourceRate 3",
      "source 192.0.2.2/32 queries sourceRate 2",
      "source 192.0.2.1/32 queries sourceRate 1",
    ]);
  });

  test("does not take a source and its NodeID for another source and another NodeID", () => {
    const table = new LimitedTable(false);
    table.add(packet(LIMIT_NODE, "10.1.2.3", "x"), 1, START);
    table.add(packet(LIMIT_NODE, "::5", "\0\0\xff\xff\n\x01\x02\x03x"), 1, START);
    table.add({ ...packet(LIMIT_NODE, "::5"), nodeId: Uint8Array.of(0, 0, 255, 255, 10, 1, 2, 3, 120) }, 1, START);
    expect(table.list(START)).toHaveLength(3);
  });

  test("keeps its own copies of what it is given", () => {
    const table = new LimitedTable(false);
    const one = packet(LIMIT_NODE, "10.0.0.1", "abc");
    table.add(one, 1, START);
    one.nodeId.fill(0);
    one.address.fill(0);
    expect(listed(table)).toEqual(["source 10.0.0.1/32 abc node nodeRate 1"]);
  });

  test("says in a dry run that the packets were only counted", () => {
    for (const dryRun of [false, true]) {
      const table = new LimitedTable(dryRun);
      table.add(packet(LIMIT_QUERIES, "10.0.0.1"), 1, START);
      expect(table.list(START)).toMatchObject([{ dryRun }]);
    }
  });

  test("counts the last minute, gives the rate of the last ten seconds, and forgets a key after that", () => {
    const table = new LimitedTable(false);
    const count = () => table.list(now).map(({ stopped, rate }) => [stopped, Number(rate.toFixed(1))]);
    let now = START;
    for (let tick = 0; tick < 4 * 90; tick++, now += 250) table.add(packet(LIMIT_QUERIES, "10.0.0.1"), 5, now);
    now -= 250;
    const [stopped, rate] = count()[0]!;
    expect(stopped).toBe(20 * 60);
    expect(rate).toBeWithin(20, 21);
    now += 5000;
    expect(count()[0]![0]).toBe(20 * 55);
    expect(count()[0]![1]).toBeWithin(9, 11);
    now += 5000;
    expect(count()).toEqual([]);
    table.trim(now);
    expect(table.size).toBe(1);
    now += 50_000;
    table.trim(now);
    expect(table.size).toBe(0);
  });

  test("gives whole packets, and a rate over nine seconds and as much of the current one as has passed", () => {
    const table = new LimitedTable(false);
    for (let i = 0; i < 2; i++) table.add(packet(LIMIT_QUERIES, "10.0.0.1"), 5.7, START);
    expect(table.list(START)).toMatchObject([{ stopped: 11, rate: 11.4 / 9 }]);
    expect(table.list(START + 500)).toMatchObject([{ stopped: 11, rate: 11.4 / 9.5 }]);
  });

  test("tells since when, by the system's clock: a pause of a minute ends it, a shorter one does not", () => {
    const table = new LimitedTable(false);
    const add = (now: number) => {
      table.trim(now);
      table.add(packet(LIMIT_QUERIES, "10.0.0.1"), 1, now);
      const { stopped, since } = table.list(now)[0]!;
      return { stopped, secondsAgo: Math.round((Date.now() - since) / 1000) };
    };
    expect(add(START)).toEqual({ stopped: 1, secondsAgo: 0 });
    setSystemTime(Date.now() + HOUR);
    try {
      expect(add(START + 59_000)).toEqual({ stopped: 2, secondsAgo: 59 });
      expect(add(START + 119_000)).toEqual({ stopped: 1, secondsAgo: 0 });
    } finally {
      setSystemTime();
    }
  });

  test("lists at most 100 keys, those with the most packets first", () => {
    const table = new LimitedTable(false);
    for (let i = 0; i < 300; i++) table.add(packet(LIMIT_QUERIES, `10.0.${i >> 8}.${i & 255}`), i, START);
    const counts = table.list(START).map(({ stopped }) => stopped);
    expect(counts).toEqual(Array.from({ length: 100 }, (_, i) => 299 - i));
  });

  test("that is full of invented sources, seen once each, takes in a source that comes again and again", () => {
    const table = new LimitedTable(false);
    const random = new Random(2);
    const regular = packet(LIMIT_QUERIES, "192.0.2.66");
    const invented = packet(LIMIT_QUERIES, "192.0.2.66");
    for (let tick = 0; tick < 40; tick++) {
      const now = START + tick * 250;
      if (tick >= 10) table.add(regular, 1, now);
      for (let i = 1; i < 512; i++) {
        invented.address.set(random.bytes(4), 12);
        table.add(invented, 1, now);
      }
      table.trim(now);
    }
    expect(listed(table, START + 9750)[0]).toBe("source 192.0.2.66/32 queries sourceRate 30");
  });

  test("does not grow in a flood of invented sources, and shows the source that sends 1 % of it", () => {
    const table = new LimitedTable(false);
    const random = new Random(1);
    const [perTick, weight] = [512, 50];
    const heavy = packet(LIMIT_QUERIES, "192.0.2.66");
    const invented = packet(LIMIT_QUERIES, "192.0.2.66");
    let [now, most] = [START, 0];
    for (let tick = 0; tick < 4 * 70; tick++, now += 250) {
      for (let i = 0; i < perTick; i++) {
        invented.address.set(random.bytes(4), 12);
        table.add(random.once(100) ? heavy : invented, weight, now);
      }
      table.trim(now);
      most = Math.max(most, table.size);
    }
    expect(most).toBeLessThan(2 * KEPT);
    const [first] = table.list(now);
    expect(first!.network).toBe("192.0.2.66/32");
    // 240 samples a minute tell of 1,229 packets on average: five standard deviations.
    const expected = perTick * weight * 4 * 60 * 0.01;
    expect(first!.stopped).toBeWithin(expected * 0.85, expected * 1.15);
  });
});
