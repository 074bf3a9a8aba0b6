import { describe, expect, spyOn, test } from "bun:test";
import { H_SHARD_MASK, H_SHARDS_AT, SHARD_LOCK, SHARD_SIZE } from "../../../assembly/layout.ts";
import { createEngine, type EngineBackend, type EngineMemory } from "../../../src/engine/index.ts";
import { DEVICE_RETENTION_MS } from "../../../src/journal/index.ts";
import type { Clock } from "../../../src/server/clock.ts";
import { Devices } from "../../../src/server/https/devices.ts";
import { deviceNodeId } from "../../../src/syncthing/device-id.ts";
import { createDeviceMemory } from "../../../src/syncthing/devices/index.ts";
import { Harness, UNLIMITED } from "../../support/harness.ts";
import { announcement, ascii, query } from "../../support/packets.ts";

const ID = new Uint8Array(32).fill(7);
const NODE_ID = ascii(deviceNodeId(ID));
const HOUR = 3_600_000;

/** A registry with devices, at times that a test chooses. */
function create(backend: EngineBackend, retentionMs = HOUR, capacity = 1000) {
  const harness = new Harness(backend, { ...UNLIMITED, lanes: 2, capacity, retentionMs });
  const clock = { now: () => harness.now } as Clock;
  const engine = createEngine(backend, harness.memory, 1);
  const devices = new Devices(createDeviceMemory(100), harness.memory, engine, clock);
  /** The address in the reply to a query for the device: port and IP in hex. */
  const answer = (id = NODE_ID) => {
    const { verdict, reply } = harness.send(query(id));
    return reply === undefined ? verdict : reply.subarray(4, 6).toHex() + reply.subarray(-4).toHex();
  };
  return { harness, devices, engine, answer };
}

/** The locks of the parts of a registry. */
function shardLocks({ buffer }: EngineMemory): Int32Array[] {
  const u32 = new Uint32Array(buffer);
  const at = u32[H_SHARDS_AT >>> 2]! + SHARD_LOCK;
  return Array.from({ length: u32[H_SHARD_MASK >>> 2]! + 1 }, (_, i) => new Int32Array(buffer, at + i * SHARD_SIZE, 1));
}

/** Port 22000 at 192.0.2.7, and port 22001 at 198.51.100.9. */
const FIRST = "55f0c0000207";
const SECOND = "55f1c6336409";

describe.each(["wasm", "ts"] as const)("with the engine %s", (backend) => {
  test("a device answers over UDP for its NodeID with its first TCP address that has an IP", () => {
    const { devices, answer } = create(backend);
    expect(answer()).toBe("unknown");
    const addresses = ["quic://192.0.2.1:1", "tcp://host.example:2", "relay://192.0.2.2:3", "tcp://192.0.2.7:22000"];
    expect(devices.announce(ID, [...addresses, "tcp://192.0.2.8:22000"])).toBe("new");
    expect(answer()).toBe(FIRST);
    expect(answer(ascii(deviceNodeId(new Uint8Array(32))))).toBe("unknown");
  });

  test("a device without such an address does not answer over UDP", () => {
    const { devices, answer } = create(backend);
    devices.announce(ID, ["quic://192.0.2.1:1", "tcp://host.example:2", "relay://192.0.2.2:3"]);
    expect(answer()).toBe("unknown");
    expect(devices.size).toBe(1);
  });

  test("an announcement over UDP does not replace a device, but a device replaces what was announced over UDP", () => {
    const { harness, devices, answer } = create(backend);
    expect(harness.send(announcement(NODE_ID, 9), "203.0.113.66").verdict).toBe("stored");
    devices.announce(ID, ["tcp://192.0.2.7:22000"]);
    expect(answer()).toBe(FIRST);
    harness.now += 60_000;
    expect(harness.send(announcement(NODE_ID, 9), "203.0.113.66").verdict).toBe("refused-device");
    expect(harness.send(announcement(NODE_ID, 22000), "192.0.2.7").verdict).toBe("refused-device");
    expect(answer()).toBe(FIRST);
  });

  test("a device that announces another address answers with that", () => {
    const { harness, devices, answer } = create(backend);
    devices.announce(ID, ["tcp://192.0.2.7:22000"]);
    harness.now += 1;
    expect(devices.announce(ID, ["tcp://198.51.100.9:22001"])).toBe("known");
    expect(answer()).toBe(SECOND);
    harness.now += 1;
    devices.announce(ID, ["tcp://192.0.2.7:22000"]);
    expect(answer()).toBe(FIRST);
  });

  test.each([
    ["shorter than an address is valid", HOUR],
    ["longer than an address is valid", 24 * HOUR],
  ])(
    "a device answers for two hours, and no announcement over UDP replaces it before: the retention is %s",
    (_, retention) => {
      const { harness, devices, answer } = create(backend, retention);
      const start = harness.now;
      devices.announce(ID, ["tcp://192.0.2.7:22000"]);
      while (harness.now < start + DEVICE_RETENTION_MS - 60_000) {
        harness.now += 60_000;
        // As often as the server does it in this time.
        for (let i = 0; i < 3; i++) devices.tick();
        harness.engine.sweep(harness.now);
        expect(harness.send(announcement(NODE_ID, 9), "203.0.113.66").verdict).toBe("refused-device");
        expect(answer()).toBe(FIRST);
      }
      harness.now = start + DEVICE_RETENTION_MS;
      expect(answer()).toBe("unknown");
      devices.tick();
      expect(harness.send(announcement(NODE_ID, 9), "203.0.113.66").verdict).toBe("stored");
    },
  );

  test("when the first address has expired, the next one answers", () => {
    const { harness, devices, answer } = create(backend);
    devices.announce(ID, ["tcp://192.0.2.7:22000"]);
    harness.now += HOUR;
    devices.merge(
      { id: ID, confirmed: false, addresses: [{ address: "tcp://198.51.100.9:22001", announcedAt: harness.now - 1 }] },
      true,
    );
    expect(answer()).toBe(SECOND);
    harness.now += HOUR - 1;
    devices.tick();
    expect(answer()).toBe(SECOND);
  });

  test("a device that announced itself again while its part of the registry was locked answers with its last address", () => {
    const { harness, devices, answer } = create(backend);
    const locks = shardLocks(harness.memory);
    for (const lock of locks) Atomics.store(lock, 0, 99);
    devices.announce(ID, ["tcp://198.51.100.9:22001"]);
    for (const lock of locks) Atomics.store(lock, 0, 0);
    expect(answer()).toBe("unknown");
    harness.now += 1;
    devices.announce(ID, ["tcp://192.0.2.7:22000"]);
    harness.now += 1;
    devices.tick();
    expect(answer()).toBe(FIRST);
  });

  test("if the engine fails, the entry of a device is written later", () => {
    const { devices, engine, answer } = create(backend);
    using merge = spyOn(engine, "merge");
    merge.mockImplementationOnce(() => {
      throw new Error("a fault of the engine");
    });
    expect(devices.announce(ID, ["tcp://192.0.2.7:22000"])).toBe("new");
    expect(answer()).toBe("unknown");
    devices.tick();
    expect(answer()).toBe(FIRST);
  });

  test("expired devices make room for others, however long the retention is", () => {
    using time = spyOn(performance, "now");
    let elapsed = 0;
    time.mockImplementation(() => elapsed);
    const { harness, devices } = create(backend, 1000 * HOUR);
    const idOf = (n: number) => new Uint8Array(32).fill(n);
    // Twice, so that they do not give way.
    for (let n = 0; n < 200; n++) devices.announce(idOf(n % 100), [`tcp://192.0.2.7:${1 + n}`]);
    expect(devices.announce(idOf(200), ["tcp://192.0.2.7:1"])).toBe("full");
    for (const ms of [DEVICE_RETENTION_MS, HOUR]) {
      harness.now += ms;
      elapsed += ms;
      devices.tick();
    }
    expect(devices.size).toBe(0);
    expect(devices.announce(idOf(200), ["tcp://192.0.2.7:1"])).toBe("new");
  });

  test("devices are not listed among the nodes for the journal", () => {
    const { harness, devices } = create(backend);
    devices.announce(ID, ["tcp://192.0.2.7:22000"]);
    harness.send(announcement(ascii("NODE"), 9));
    expect(harness.list()).toHaveLength(1);
    expect(harness.list(harness.now + 1)).toHaveLength(1);
    expect(devices.takeChanged(10).map(({ id }) => id)).toEqual([ID]);
  });

  test("a full registry keeps devices", () => {
    const { harness, devices, answer } = create(backend, HOUR, 4);
    devices.announce(ID, ["tcp://192.0.2.7:22000"]);
    for (let i = 0; i < 100; i++) harness.send(announcement(ascii(`NODE-${i}`), 9));
    expect(answer()).toBe(FIRST);
  });
});
