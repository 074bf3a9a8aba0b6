/** A lane of the transport xdp, with rings in ordinary memory in the place of the kernel's. */
import { ptr } from "bun:ffi";
import { expect } from "bun:test";
import { SLOT_LENGTH, SLOT_SIZE } from "../../../assembly/layout.ts";
import { Lane } from "../../../src/engine/index.ts";
import { loadLibc } from "../../../src/transport/libc.ts";
import { XdpLane } from "../../../src/transport/xdp/lane.ts";
import { ADDRESS_SIZE, DESCRIPTOR_SIZE, FRAME_SIZE } from "../../../src/transport/xdp/region.ts";
import { XDP_COUNTERS } from "../../../src/transport/xdp/socket.ts";
import { buildFrame } from "../../support/link/build.ts";
import { testIf } from "../../support/needs.ts";
import { engineMemory } from "../transports.ts";

const FRAMES = 128;
const RING_SIZE = 64 + FRAMES * DESCRIPTOR_SIZE;
/** Where a frame begins in its chunk. */
const START = 258;

const query = (length: number, wrong = 0) =>
  buildFrame({
    ...{ destinationMac: "02:00:00:00:00:01", sourceMac: "02:00:00:00:00:02" },
    ...{ source: "10.9.0.1", destination: "10.9.0.2", sourcePort: 1000, destinationPort: 22025 },
    payload: new Uint8Array(length),
    udpChecksum: (right) => right ^ wrong,
  });

/** A lane to which the kernel has given these frames. */
function laneWith(frames: readonly Uint8Array[]) {
  const size = FRAMES * FRAME_SIZE + 4 * RING_SIZE;
  const buffer = new ArrayBuffer(size);
  const layoutOf = (i: number) => {
    const at = FRAMES * FRAME_SIZE + i * RING_SIZE;
    return { producer: at, consumer: at + 4, entries: at + 64 };
  };
  const rings = { rx: layoutOf(0), tx: layoutOf(1), fill: layoutOf(2), completion: layoutOf(3) };
  const rx = new Int32Array(buffer, rings.rx.entries, FRAMES * 4);
  for (const [i, frame] of frames.entries()) {
    const at = i * FRAME_SIZE + START;
    new Uint8Array(buffer).set(frame, at);
    rx.set([at, 0, frame.length, 0], i * 4);
  }
  new Int32Array(buffer, rings.rx.producer, 1)[0] = frames.length;
  const slots = new Lane(engineMemory(), 0);
  const counters = new SharedArrayBuffer(Object.keys(XDP_COUNTERS).length * 8);
  const region = { at: ptr(buffer), size, frames: FRAMES, rings };
  const loan = { number: 1, interface: "b0", interfaceIndex: 1, queue: 0, fd: -1, region, counters };
  const lane = new XdpLane(loadLibc(), loan, slots);
  const lengths = new Uint32Array(slots.bytes.buffer);
  return {
    lane,
    counters: new Float64Array(counters),
    lengthOf: (slot: number) => lengths[(slots.at + slot * SLOT_SIZE + SLOT_LENGTH) >>> 2],
    /** The frames that were given back to the kernel. */
    free: () => {
      const count = new Int32Array(buffer, rings.fill.producer, 1)[0]!;
      const entries = new Int32Array(buffer, rings.fill.entries, (FRAMES * ADDRESS_SIZE) >>> 2);
      return Array.from({ length: count }, (_, i) => entries[i * 2]! / FRAME_SIZE);
    },
  };
}

const check = testIf(process.platform === "linux", "needs Linux");

check("frames behind any number of damaged ones are found at once: no datagram means that none waits", async () => {
  const damaged = Array.from({ length: 100 }, () => query(40, 1));
  const { lane, counters, lengthOf, free } = laneWith([...damaged, query(7), query(8)]);
  expect(lane.receive()).toBe(2);
  expect([lengthOf(0), lengthOf(1)]).toEqual([7, 8]);
  expect([...counters]).toEqual([102, 0, 100]);
  // No replies: all frames are the kernel's again.
  lane.reply(2);
  expect(free().sort((a, b) => a - b)).toEqual(Array.from({ length: 102 }, (_, i) => i));
  expect(lane.receive()).toBe(0);
});

check("a lane takes as many frames as it has slots, and the others the next time", async () => {
  const { lane, lengthOf } = laneWith(Array.from({ length: 100 }, (_, i) => query(i)));
  expect(lane.receive()).toBe(64);
  expect(lengthOf(63)).toBe(63);
  lane.reply(64);
  expect(lane.receive()).toBe(36);
  expect(lengthOf(35)).toBe(99);
});
