import { describe, expect, test } from "bun:test";
import { DEVICE_RETENTION_MS } from "../../../src/journal/device.ts";
import { Batch, BatchError, BatchWriter, type JournalDevice } from "../../../src/journal/index.ts";
import { device, randomDevice } from "../../support/devices.ts";
import { asVersion, withChecksum } from "../../support/old-batches.ts";
import { ascii } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";

const ORIGIN = new Uint8Array(8).fill(9);
const TIME = 1_760_000_000_000;
/** Offsets in a batch of one device, in bytes: of the device, of its first address, and of that one's text. */
const DEVICE = 24;
const ADDRESS = DEVICE + 36;
const TEXT = ADDRESS + 12;

function seal(...devices: JournalDevice[]): Uint8Array<ArrayBuffer> {
  const writer = new BatchWriter(ORIGIN);
  for (const one of devices) writer.addDevice(one, 0);
  return writer.seal().bytes;
}

function addNode(writer: BatchWriter, announcedAt: number): void {
  writer.addEntry({ nodeId: ascii("N"), address: new Uint8Array(16), port: 1, announcedAt, confirmed: true });
}

function all(batch: Batch): JournalDevice[] {
  return Array.from({ length: batch.deviceCount }, (_, i) => batch.device(i, 0));
}

function latest({ addresses }: JournalDevice): number {
  return Math.max(...addresses.map(({ announcedAt }) => announcedAt));
}

/** A copy with other bytes at an offset and the right checksum. */
function forged(bytes: Uint8Array, offset: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, offset);
  return withChecksum(copy);
}

describe("a batch with devices", () => {
  test("returns the devices that were added, in order of time, beside its nodes", () => {
    const random = new Random(1);
    for (let round = 0; round < 100; round++) {
      const devices = Array.from({ length: random.below(20) }, () =>
        randomDevice(random, TIME + random.below(7_200_000)),
      );
      const nodes = random.below(5);
      const writer = new BatchWriter(ORIGIN);
      for (let i = 0; i < nodes; i++) addNode(writer, TIME + i);
      for (const one of devices) writer.addDevice(one, 0);
      expect(writer.count).toBe(nodes + devices.length);
      const sealed = writer.seal();
      expect(sealed).toMatchObject({ count: nodes + devices.length, deviceCount: devices.length });
      expect(writer.count).toBe(0);
      const batch = Batch.parse(sealed.bytes);
      expect([batch.count, batch.deviceCount, batch.total]).toEqual([nodes, devices.length, sealed.count]);
      for (let i = 0; i < nodes; i++) expect(batch.entry(i).announcedAt).toBe(TIME + i);
      const times = all(batch).map((one) => Math.floor(latest(one)));
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      const byId = (list: JournalDevice[]) => list.toSorted((one, other) => Buffer.compare(one.id, other.id));
      expect(byId(all(batch))).toEqual(byId(devices));
    }
  });

  test("takes 156 bytes for a device with 3 addresses of 25 bytes", () => {
    const one = device(1, TIME, ...["a", "b", "c"].map((letter) => `tcp://192.0.2.200:22000/?${letter}`.slice(-25)));
    expect(seal(one, one).length - seal(one).length).toBe(156);
  });

  test("has the same bytes for the same devices, whatever its writer wrote before", () => {
    const writer = new BatchWriter(ORIGIN);
    writer.addDevice(device(1, TIME, "x".repeat(1000)), 0);
    writer.seal();
    writer.addDevice(device(1, TIME, "tcp://192.0.2.1:22000"), 0);
    expect(writer.seal().bytes).toEqual(seal(device(1, TIME, "tcp://192.0.2.1:22000")));
  });

  test("adds a shift to all times, when a device is written and when it is read", () => {
    const writer = new BatchWriter(ORIGIN);
    const addresses = [
      { address: "tcp://192.0.2.1:1", announcedAt: TIME },
      { address: "tcp://192.0.2.1:2", announcedAt: TIME - 5000.5 },
    ];
    writer.addDevice({ ...device(1, 0), addresses }, 1000);
    const batch = Batch.parse(writer.seal().bytes);
    expect(batch.deviceTime(0)).toBe(TIME + 1000);
    expect(batch.device(0, -3000).addresses.map(({ announcedAt }) => announcedAt - TIME)).toEqual([-2000, -7000.5]);
  });

  test("has expired a retention after the time that it is sealed with: that of its nodes, or two hours after its devices", () => {
    const writer = new BatchWriter(ORIGIN);
    addNode(writer, TIME);
    expect(writer.seal().newest).toBe(TIME);
    addNode(writer, TIME);
    writer.addDevice(device(1, TIME - 1000), 0);
    expect(writer.seal().newest).toBe(TIME - 1000 + DEVICE_RETENTION_MS);
    addNode(writer, TIME);
    writer.addDevice(device(1, TIME - 2 * DEVICE_RETENTION_MS), 0);
    expect(writer.seal().newest).toBe(TIME);
  });

  test("can be split at a time, between nodes and between devices", () => {
    const writer = new BatchWriter(ORIGIN);
    for (const at of [1, 3, 5]) addNode(writer, TIME + at);
    for (const at of [2, 4, 6]) writer.addDevice(device(at, TIME + at), 0);
    const batch = Batch.parse(writer.seal().bytes);
    const counts = (time: number) => batch.split(TIME + time).map((part) => [part.count, part.deviceCount]);
    expect(counts(0)).toEqual([
      [0, 0],
      [3, 3],
    ]);
    expect(counts(3)).toEqual([
      [2, 1],
      [1, 2],
    ]);
    expect(counts(6)).toEqual([
      [3, 3],
      [0, 0],
    ]);
    const [before, after] = batch.split(TIME + 3);
    expect([before.oldest, before.newest, after.oldest, after.newest].map((time) => time - TIME)).toEqual([1, 3, 4, 6]);
    expect(after.device(0, 0).id[0]).toBe(4);
    const [none] = batch.split(TIME);
    expect([none.oldest, none.newest]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });

  test("is full at 8192 nodes and devices together, or about 1 MB", () => {
    const writer = new BatchWriter(ORIGIN);
    for (let i = 0; i < 4096; i++) addNode(writer, TIME);
    while (!writer.full) writer.addDevice(device(1, TIME), 0);
    expect(writer.count).toBe(8192);
    writer.clear();
    const largest = device(1, TIME, ...Array.from({ length: 32 }, (_, i) => `${i}`.padStart(128, "x")));
    while (!writer.full) writer.addDevice(largest, 0);
    const { bytes } = writer.seal();
    expect(bytes.length).toBeWithin(2 ** 20, 1.01 * 2 ** 20);
    expect(Batch.parse(bytes).device(0, 0)).toEqual(largest);
  });

  test("does not take a device that a journal cannot keep", () => {
    const writer = new BatchWriter(ORIGIN);
    const good = device(1, TIME);
    for (const [change, why] of [
      [{ id: new Uint8Array(31) }, "a device ID has 32 bytes, not 31"],
      [{ addresses: [] }, "a device has 1 to 32 addresses, not 0"],
      [device(1, TIME, ...Array.from({ length: 33 }, (_, i) => `${i}`)), "a device has 1 to 32 addresses, not 33"],
      [device(1, TIME, ""), "an address has 1 to 1024 characters, not 0"],
      [device(1, TIME, "x".repeat(1025)), "an address has 1 to 1024 characters, not 1025"],
      [device(1, TIME, "tcp://bücher.example:1"), "an address must be printable ASCII"],
      [device(1, TIME, "tcp://a:1\n"), "an address must be printable ASCII"],
      [device(1, Number.NaN), "an address needs the time of its announcement"],
      [
        device(1, TIME, ..."abcde".split("").map((letter) => letter.repeat(820))),
        "up to 4096 characters together, not 4100",
      ],
    ] as const) {
      expect(() => writer.addDevice({ ...good, ...change }, 0)).toThrow(RangeError);
      expect(() => writer.addDevice({ ...good, ...change }, 0)).toThrow(why);
    }
    expect(writer.count).toBe(0);
    writer.addDevice(device(1, TIME, ..."abcd".split("").map((letter) => letter.repeat(1024))), 0);
    expect(writer.count).toBe(1);
  });

  test("is refused if a device is invalid though the checksum is right", () => {
    const bytes = seal(device(1, TIME, "tcp://192.0.2.1:22000", "quic://192.0.2.1:22000"));
    for (const [offset, values, why] of [
      [DEVICE, [0, 0x80], "it has a device with 0 addresses"],
      [DEVICE, [33, 0x80], "it has a device with 33 addresses"],
      [DEVICE, [2, 0x81], "it has a device with 258 addresses"],
      [DEVICE + 3, [0x80], "it has a device with 2147483650 addresses"],
      [DEVICE, [3, 0x80], "it is shorter than its devices"],
      [DEVICE, [1, 0x80], "it is longer than its entries"],
      [ADDRESS + 6, [0xf0, 0x7f], "it has an address without a time"],
      [ADDRESS + 6, [0xf8, 0xff], "it has an address without a time"],
      [ADDRESS + 8, [0], "it has an address of 0 bytes"],
      [ADDRESS + 8, [1, 4], "it has an address of 1025 bytes"],
      [ADDRESS + 11, [0x80], "it has an address of 2147483669 bytes"],
      [ADDRESS + 8, [0, 4], "it is shorter than its devices"],
      [TEXT, [0x1f], "it has an address that is not printable ASCII"],
      [TEXT + 20, [0x7f], "it has an address that is not printable ASCII"],
      [TEXT, [0xc3], "it has an address that is not printable ASCII"],
    ] as const) {
      expect(() => Batch.parse(forged(bytes, offset, ...values))).toThrow(BatchError);
      expect(() => Batch.parse(forged(bytes, offset, ...values))).toThrow(why);
    }
    const long = seal(device(1, TIME, ..."abcd".split("").map((letter) => letter.repeat(1024))), device(2, TIME, "x"));
    // A fifth address, of what follows.
    const after = DEVICE + 36 + 4 * (12 + 1024);
    const moved = [...long.subarray(after + 36), ...new Array<number>(36).fill(0)];
    expect(() => Batch.parse(forged(forged(long, after, ...moved), DEVICE, 5, 0x80))).toThrow(
      "it has a device with 4097 bytes of addresses",
    );
  });

  test("is refused if its numbers of nodes and devices are not those that it has", () => {
    const bytes = seal(device(1, TIME), device(2, TIME));
    for (const count of [0, 1, 3, 200]) expect(() => Batch.parse(forged(bytes, 20, count))).toThrow(BatchError);
    for (const high of [0x7f, 0x80, 0xff]) expect(() => Batch.parse(forged(bytes, 23, high))).toThrow(BatchError);
    expect(() => Batch.parse(forged(bytes, 8, 1))).toThrow(BatchError);
    // Devices in a batch of a version that has none.
    expect(() => Batch.parse(asVersion(2, bytes))).toThrow("it is longer than its entries");
    // A header that ends before the number of devices.
    expect(() => Batch.parse(withChecksum(bytes.slice(0, 20)))).toThrow("it is shorter than its header");
  });

  test("with more nodes and devices than a writer can add is refused", () => {
    const one = seal(device(1, TIME, "x"));
    const part = one.subarray(DEVICE);
    const bytes = new Uint8Array(DEVICE + 16_385 * part.length);
    bytes.set(one.subarray(0, DEVICE));
    for (let i = 0; i < 16_385; i++) bytes.set(part, DEVICE + i * part.length);
    expect(() => Batch.parse(forged(bytes, 20, 0x01, 0x40))).toThrow("it has 16385 entries, more than 16384");
    expect(Batch.parse(forged(bytes.slice(0, -part.length), 20, 0x00, 0x40)).deviceCount).toBe(16_384);
    const writer = new BatchWriter(ORIGIN);
    for (let i = 0; i < 16_384; i++) writer.addDevice(device(1, TIME), 0);
    expect(() => writer.addDevice(device(1, TIME), 0)).toThrow("a batch was not sealed when it was full");
  });

  test("with devices out of order is sorted when it is parsed", () => {
    const times = [7, 2, 9, 1, 8];
    const parts = times.map((time) => seal(device(time, TIME + time * 1000)).subarray(DEVICE));
    const header = seal(device(0, TIME)).subarray(0, DEVICE);
    const bytes = Uint8Array.from([...header, ...parts.flatMap((part) => [...part])]);
    const batch = Batch.parse(forged(bytes, 20, times.length));
    expect(all(batch).map(({ id }) => id[0]!)).toEqual([1, 2, 7, 8, 9]);
  });

  test("is refused, whichever bit is flipped, if the checksum is not corrected", () => {
    const bytes = seal(device(1, TIME), device(2, TIME));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const spoilt = bytes.slice();
      spoilt[bit >>> 3]! ^= 1 << (bit & 7);
      expect(() => Batch.parse(spoilt)).toThrow(BatchError);
    }
  });

  test("with any byte changed and a right checksum is valid or throws a BatchError", () => {
    const writer = new BatchWriter(ORIGIN);
    addNode(writer, TIME);
    const random = new Random(2);
    for (let i = 0; i < 3; i++) writer.addDevice(randomDevice(random, TIME), 0);
    const { bytes } = writer.seal();
    let [valid, refused] = [0, 0];
    const check = (spoilt: Uint8Array) => {
      try {
        const batch = Batch.parse(spoilt);
        valid++;
        for (const one of all(batch)) {
          // Whatever was parsed can be written again.
          new BatchWriter(ORIGIN).addDevice(one, 0);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(BatchError);
        refused++;
      }
    };
    for (let at = 8; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) check(forged(bytes, at, bytes[at]! ^ (1 << bit)));
      check(forged(bytes, at, 0));
      check(forged(bytes, at, 0xff));
    }
    for (let round = 0; round < 20_000; round++) {
      check(forged(bytes, 8 + random.below(bytes.length - 12), ...random.bytes(1 + random.below(4))));
    }
    expect(valid).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(1000);
  });

  test("is refused if it is truncated", () => {
    const bytes = seal(device(1, TIME, "tcp://192.0.2.1:22000", "quic://192.0.2.1:22000"), device(2, TIME));
    for (let length = 8; length < bytes.length; length++) {
      expect(() => Batch.parse(withChecksum(bytes.slice(0, length)))).toThrow(BatchError);
    }
  });
});
