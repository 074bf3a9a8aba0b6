/** Groups, and the NodeIDs that are given to nodes without one. */
import { describe, expect, test } from "bun:test";
import { Group, MAX_GROUP_LENGTH } from "../../src/client/group.ts";
import { Discoverer } from "../../src/client/index.ts";
import { nodeIdFromText, nodeIdToText } from "../../src/codec/index.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { ascii, query } from "../support/packets.ts";
import { until } from "../support/time-limits.ts";

const OFFLINE = { lan: false } as const;

describe("the own NodeID", () => {
  test("is random if none is given, so that several programs of a host differ", async () => {
    const ids = new Set<string>();
    for (let i = 0; i < 100; i++) {
      await using discoverer = await Discoverer.start(OFFLINE);
      ids.add(nodeIdToText(discoverer.nodeId)!);
    }
    expect(ids.size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[a-z2-7]{16}$/);
  });

  test("is the given one without the group", async () => {
    await using discoverer = await Discoverer.start({ ...OFFLINE, nodeId: "A", group: "chat" });
    expect(discoverer.nodeId).toEqual(ascii("A"));
  });
});

describe("a group", () => {
  test("separates nodes of the same NodeID at a server; on the wire its name and a slash precede the NodeID", async () => {
    await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10 });
    const servers = [`127.0.0.1:${server.port}`];
    const start = (group: string | undefined, port: number) =>
      Discoverer.start({ ...OFFLINE, servers, nodeId: "A", port, ...(group !== undefined && { group }) });
    await using one = await start("one", 1001);
    await using two = await start("two", 1002);
    await using none = await start(undefined, 1003);
    await until(() => server.stats().nodes === 3, "the announcements");
    const found = await Promise.all([one, two, none].map((it) => it.lookup("A")));
    expect(found.map((address) => address?.port)).toEqual([1001, 1002, 1003]);
    expect(await none.lookup("two/A")).toMatchObject({ port: 1002 });
    const many = await Array.fromAsync(one.lookupMany(["A"]));
    expect(many).toMatchObject([{ nodeId: ascii("A"), address: { port: 1001 } }]);
    await using plain = await Client.open(server.port);
    expect(await plain.ask(query(ascii("one/A")))).toBeDefined();
  });

  test("has NodeIDs that are up to 1008 bytes long with its name", () => {
    const group = new Group("chat");
    expect(group.toWire("A".repeat(1003))).toHaveLength(1008);
    expect(() => group.toWire("A".repeat(1004))).toThrow("a NodeID with its group must have 1 to 1008 bytes, not 1009");
    expect(() => group.toWire("")).toThrow("a NodeID must have 1 to 1008 bytes, not 0");
  });

  test("includes what begins with its name and a slash, and has more after it", () => {
    const group = new Group("chat");
    const includes = (text: string) => group.includes(ascii(`..${text}`), 2, text.length);
    expect(includes("chat/A")).toBe(true);
    for (const other of ["chat/", "chat", "chatty/A", "CHAT/A", "A", "", "cha/A"]) expect(includes(other)).toBe(false);
    expect(group.fromWire(ascii("chat/A/B"))).toEqual(ascii("A/B"));
    // The length decides, not what comes after it in the datagram.
    expect(group.includes(ascii("chat/A"), 0, 5)).toBe(false);
  });

  test.each(["", "a/b", "x".repeat(MAX_GROUP_LENGTH + 1), "ä".repeat(MAX_GROUP_LENGTH / 2 + 1)])(
    "cannot be named %j",
    async (group) => {
      await expect(Discoverer.start({ ...OFFLINE, group })).rejects.toThrow(
        `group must have 1 to ${MAX_GROUP_LENGTH} bytes and no "/"`,
      );
    },
  );

  test("may have a name of any other characters", async () => {
    await using discoverer = await Discoverer.start({ ...OFFLINE, group: "größe 1:2" });
    expect(discoverer.nodeId).toHaveLength(16);
    expect(new Group("größe 1:2").toWire("A")).toEqual(nodeIdFromText("größe 1:2/A"));
  });
});
