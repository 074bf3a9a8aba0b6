import { expect, test } from "bun:test";
import { broadcastAddress, type Interfaces, targets } from "../../../src/client/lan/interfaces.ts";
import { LanTable } from "../../../src/client/lan/table.ts";
import { ascii } from "../../support/packets.ts";

const RETENTION = 90_000;

function tableOf(most?: number) {
  const table = new LanTable(RETENTION, most);
  return {
    table,
    hear: (id: string, ip: string, port: number, now: number) =>
      table.update(id, ip, port, now, 1e12 + now) ?? table.add(id, ascii(id), ip, port, now, 1e12 + now),
  };
}

test("a node expires 90 s after its last announcement, not before (the original keeps nodes forever)", () => {
  const { table, hear } = tableOf();
  expect(hear("A", "192.0.2.1", 22000, 0)).toBe("node");
  expect(hear("B", "192.0.2.2", 22000, 10_000)).toBe("node");
  expect(hear("A", "192.0.2.1", 22000, 30_000)).toBe("known");
  expect(table.expiresAt).toBe(100_000);
  expect(table.expire(99_999)).toBeUndefined();
  expect(table.expire(100_000)?.ip).toBe("192.0.2.2");
  expect(table.expire(100_000)).toBeUndefined();
  expect(table.get("A", 119_999)?.seenAt).toBe(1e12 + 30_000);
  expect(table.get("A", 120_000)).toBeUndefined();
  expect(table.nodes(120_000)).toEqual([]);
  expect(table.expire(120_000)?.nodeId).toEqual(ascii("A"));
  expect(table.expiresAt).toBe(Number.POSITIVE_INFINITY);
});

test("a node with another address or another port is reported as moved at once", () => {
  const { table, hear } = tableOf();
  hear("A", "192.0.2.1", 22000, 0);
  expect(hear("A", "192.0.2.1", 22001, 1)).toBe("moved");
  expect(hear("A", "192.0.2.9", 22001, 5_000)).toBe("moved");
  expect(table.get("A", 5_000)).toEqual({
    nodeId: ascii("A"),
    ip: "192.0.2.9",
    port: 22001,
    via: "lan",
    seenAt: 1e12 + 5_000,
  });
});

test("a node that announces several addresses keeps the first one", () => {
  const { hear } = tableOf();
  const addresses = ["192.0.2.1", "198.51.100.1", "fe80::1%eth0", "fe80::1%eth1"];
  const heard: string[] = [];
  for (let at = 0; at < 600_000; at += 30_000) {
    for (const [i, ip] of addresses.entries()) heard.push(hear("A", ip, 22000, at + i));
  }
  expect(heard.filter((what) => what !== "known")).toEqual(["node"]);
});

test("a node that loses IPv4 gets its IPv6 address before it expires", () => {
  const { table, hear } = tableOf();
  hear("A", "192.0.2.1", 22000, 0);
  expect(hear("A", "fe80::1%eth0", 22000, 1)).toBe("known");
  expect(hear("A", "fe80::1%eth0", 22000, 30_000)).toBe("known");
  expect(table.expire(60_000)).toBeUndefined();
  expect(hear("A", "fe80::1%eth0", 22000, 60_000)).toBe("moved");
  expect(hear("A", "192.0.2.1", 22000, 60_001)).toBe("known");
});

test("a table that was filled by a flood of invented NodeIDs keeps the nodes it had before", () => {
  const { table, hear } = tableOf(100);
  hear("A", "192.0.2.1", 22000, 0);
  const heard = new Set(Array.from({ length: 10_000 }, (_, i) => hear(`invented-${i}`, "192.0.2.66", 1, 1)));
  expect(heard).toEqual(new Set(["node", "full"]));
  expect(table.nodes(2)).toHaveLength(100);
  expect(hear("A", "192.0.2.1", 22000, 30_000)).toBe("known");
  while (table.expire(95_000) !== undefined);
  expect(table.nodes(95_000).map(({ ip }) => ip)).toEqual(["192.0.2.1"]);
  expect(hear("B", "192.0.2.2", 22000, 95_000)).toBe("node");
});

test("a source that invents NodeIDs gets 1,000 places; the nodes of other sources, and those that move, get theirs", () => {
  const { table, hear } = tableOf();
  const flood = (at: number) => Array.from({ length: 12_000 }, (_, i) => hear(`invented-${i}`, "192.0.2.66", 1, at));
  expect(flood(0).filter((what) => what === "node")).toHaveLength(1_000);
  expect(hear("A", "192.0.2.1", 22000, 1)).toBe("node");
  // A full source takes no node over, and the node stays where it was.
  expect(hear("A", "192.0.2.66", 22000, 10_000)).toBe("full");
  expect(table.get("A", 10_000)?.ip).toBe("192.0.2.1");
  expect(hear("invented-0", "192.0.2.2", 1, 10_000)).toBe("moved");
  expect(hear("A", "192.0.2.66", 22000, 10_001)).toBe("moved");
  expect(hear("one-more", "192.0.2.66", 1, 10_002)).toBe("full");
  // Nodes that are gone leave their places.
  while (table.expire(95_000) !== undefined);
  expect(table.size).toBe(2);
  // "A" has one of the places, and "invented-0" moves back to another.
  expect(flood(95_000).filter((what) => what === "node")).toHaveLength(998);
});

test("after a time in which nothing was heard, nodes get half of the retention to announce themselves again", () => {
  const { table, hear } = tableOf();
  hear("GONE", "192.0.2.1", 22000, 0);
  hear("BACK", "192.0.2.2", 22000, 1);
  hear("LATER", "192.0.2.3", 22000, 180_000);
  table.putOff(200_000, 200_000);
  // The other family's address is not taken for the only one.
  expect(hear("BACK", "fe80::2%eth0", 22000, 200_000)).toBe("known");
  expect(table.expire(246_999)).toBeUndefined();
  expect(hear("BACK", "192.0.2.2", 22000, 246_999)).toBe("known");
  expect([table.expire(247_000)?.ip, table.expire(269_999)]).toEqual(["192.0.2.1", undefined]);
  expect(table.expire(270_000)?.ip).toBe("192.0.2.3");
});

test("a program that stalls again and again forgets nodes that are gone: only the time that it missed does not count", () => {
  const { table, hear } = tableOf();
  hear("GONE", "192.0.2.1", 22000, 0);
  for (let now = 40_000; now < 100_000; now += 10_000) table.putOff(now, 4_000);
  expect(table.expire(114_000)?.ip).toBe("192.0.2.1");
});

test("callers get copies that later announcements do not change", () => {
  const { table, hear } = tableOf();
  hear("A", "192.0.2.1", 22000, 0);
  const [before] = table.nodes(0);
  hear("A", "192.0.2.2", 22001, 5_000);
  expect(before).toMatchObject({ ip: "192.0.2.1", port: 22000, seenAt: 1e12 });
});

test("the table copies a NodeID, because it is a part of a datagram", () => {
  const { table } = tableOf();
  const datagram = ascii("..A..");
  table.add("A", datagram.subarray(2, 3), "192.0.2.1", 1, 0, 0);
  datagram.fill(0);
  expect(table.get("A", 0)?.nodeId).toEqual(ascii("A"));
});

test("the broadcast address is that of the network, and /31 and /32 networks have none", () => {
  expect(broadcastAddress("192.168.1.7", "255.255.255.0")).toBe("192.168.1.255");
  expect(broadcastAddress("10.1.2.3", "255.0.0.0")).toBe("10.255.255.255");
  expect(broadcastAddress("172.16.5.130", "255.255.255.192")).toBe("172.16.5.191");
  expect(broadcastAddress("192.0.2.1", "255.255.255.252")).toBe("192.0.2.3");
  expect(broadcastAddress("192.0.2.1", "255.255.255.254")).toBeUndefined();
  expect(broadcastAddress("192.0.2.1", "255.255.255.255")).toBeUndefined();
});

test("each network of each interface is a target once, and loopback is not", () => {
  const v4 = (address: string, netmask = "255.255.255.0", internal = false) =>
    ({ address, netmask, internal, family: "IPv4", mac: "", cidr: null }) as const;
  const v6 = (address: string, scopeid: number, internal = false) =>
    ({ address, netmask: "ffff::", internal, family: "IPv6", mac: "", cidr: null, scopeid }) as const;
  const targetsOf = (interfaces: Interfaces) => targets(interfaces, "ff02::2012:1025");
  const found = targetsOf({
    lo: [v4("127.0.0.1", "255.0.0.0", true), v6("::1", 0, true)],
    eth0: [v4("192.0.2.7"), v4("192.0.2.8"), v4("198.51.100.7"), v6("2001:db8::7", 0), v6("fe80::7", 2)],
    wg0: [v4("10.0.0.1", "255.255.255.255")],
  });
  expect([...found.values()].map(({ destination }) => destination)).toEqual([
    "192.0.2.255",
    "198.51.100.255",
    "ff02::2012:1025%eth0",
    "255.255.255.255",
  ]);
  const keysOf = (...eth0: (ReturnType<typeof v4> | ReturnType<typeof v6>)[]) => [...targetsOf({ eth0 }).keys()];
  // A new address, or a new interface with the old name, is a new target; the limited broadcast never is.
  expect(keysOf(v4("192.0.2.7"))).not.toEqual(keysOf(v4("192.0.2.9")));
  expect(keysOf(v6("fe80::7", 2))).not.toEqual(keysOf(v6("fe80::7", 3)));
  expect(targetsOf({ lo: [v4("127.0.0.1", "255.0.0.0", true)] }).size).toBe(0);
});
