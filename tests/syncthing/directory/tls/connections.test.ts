import { beforeEach, expect, test } from "bun:test";
import { type ConnectionCounters, createConnectionCounters } from "../../../../src/syncthing/directory/counters.ts";
import { Connection, type ConnectionLimits, Connections } from "../../../../src/syncthing/directory/tls/connections.ts";
import { source } from "../source.ts";

const LIMITS = { connections: 4, perSource: 2, timeoutMs: 10_000 };

let now: number;
let counters: ConnectionCounters;
let connections: Connections;
/** The names of the connections that were closed. */
let closed: string[];

beforeEach(() => {
  now = 1_000;
  closed = [];
  use(LIMITS);
});

function use(limits: ConnectionLimits): void {
  counters = createConnectionCounters();
  connections = new Connections(limits, counters, () => now);
}

function open(name: string, address: string, secure = true): Connection {
  const socket = { destroy: () => void closed.push(name) };
  const connection = new Connection(socket, source(address, 1).address, 1);
  connection.secure = secure;
  connections.add(connection);
  return connection;
}

test("if there are too many connections, the one that was idle longest is closed", () => {
  const a = open("a", "192.0.2.1");
  for (const [name, address] of [
    ["b", "192.0.2.2"],
    ["c", "192.0.2.3"],
    ["d", "192.0.2.4"],
  ] as const)
    open(name, address);
  now++;
  connections.touch(a);
  open("e", "192.0.2.5");
  open("f", "192.0.2.6");
  expect(closed).toEqual(["b", "c"]);
  expect(counters).toMatchObject({ open: 4, crowded: 2 });
});

test("if a source has too many connections, its own one that was idle longest is closed", () => {
  open("other", "192.0.2.2");
  const a = open("a", "192.0.2.1");
  now++;
  open("b", "192.0.2.1");
  now++;
  connections.touch(a);
  open("c", "192.0.2.1");
  expect(closed).toEqual(["b"]);
  expect(counters).toMatchObject({ open: 3, crowded: 1 });
});

test("a source with one connection keeps its last one", () => {
  use({ ...LIMITS, perSource: 1 });
  open("a", "192.0.2.1");
  open("b", "192.0.2.1");
  open("c", "192.0.2.1");
  expect(closed).toEqual(["a", "b"]);
  expect(counters).toMatchObject({ open: 1, crowded: 2 });
});

test("a source is an IPv4 address or an IPv6 /64", () => {
  open("a", "2001:db8::1");
  open("b", "2001:db8::2:0:0:1");
  open("c", "2001:db8:0:1::1");
  expect(closed).toEqual([]);
  open("d", "2001:db8::ffff");
  expect(closed).toEqual(["a"]);
  use({ ...LIMITS, connections: 10 });
  closed = [];
  for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.1"]) open(address, address);
  expect(closed).toEqual([]);
});

test("a closed connection makes room", () => {
  for (let i = 0; i < 10; i++) connections.remove(open("a", "192.0.2.1"));
  expect(counters).toMatchObject({ open: 0, crowded: 0 });
  expect(connections.size).toBe(0);
});

test("a connection whose time is over is closed: as slow, as idle, or as a failed handshake", () => {
  open("slow", "192.0.2.1");
  open("idle", "192.0.2.4").served = true;
  open("handshake", "192.0.2.2", false);
  now += 5_000;
  const later = open("later", "192.0.2.3");
  now += 4_999;
  connections.closeSlow();
  expect(closed).toEqual([]);
  now += 1;
  connections.closeSlow();
  expect(closed).toEqual(["slow", "idle", "handshake"]);
  connections.touch(later);
  now += 9_999;
  connections.closeSlow();
  expect(closed).toEqual(["slow", "idle", "handshake"]);
  expect(counters).toMatchObject({ open: 1, slow: 1, idle: 1, failedHandshakes: 1 });
});

test("a connection that was served before is slow if its next request is not answered in time", () => {
  const slow = open("slow", "192.0.2.1");
  slow.served = true;
  slow.pending = 1;
  now += 10_000;
  connections.closeSlow();
  expect(counters).toMatchObject({ slow: 1, idle: 0 });
});

test("a connection is closed and counted once", () => {
  const a = open("a", "192.0.2.1");
  connections.close(a, "invalid");
  connections.close(a, "slow");
  connections.touch(a);
  connections.remove(a);
  expect(closed).toEqual(["a"]);
  expect(counters).toMatchObject({ open: 0, invalid: 1, slow: 0 });
});

test("all can be closed, or those without a request in progress", () => {
  open("a", "192.0.2.1");
  open("b", "192.0.2.2").pending = 1;
  connections.closeAll({ idleOnly: true });
  expect(closed).toEqual(["a"]);
  connections.closeAll({ idleOnly: false });
  expect(closed).toEqual(["a", "b"]);
  expect(connections.size).toBe(0);
});
