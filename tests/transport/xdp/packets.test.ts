/**
 * Packets between frames and slots, beside a slow reference that knows bytes only. frames.ts works on words of 32 bits, so every
 * length and each byte of the headers gets its turn.
 */
import { describe, expect, test } from "bun:test";
import {
  MAX_PACKET,
  SLOT_LENGTH,
  SLOT_PACKET,
  SLOT_REPLY,
  SLOT_REPLY_LENGTH,
  SLOT_SIZE,
  SLOT_SOURCE,
  SOURCE_SIZE,
} from "../../../assembly/layout.ts";
import { Lane } from "../../../src/engine/index.ts";
import { Frames } from "../../../src/transport/xdp/frames.ts";
import { FRAME_SIZE } from "../../../src/transport/xdp/region.ts";
import { hex } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";
import { engineMemory } from "../transports.ts";

/** Where the kernel puts a frame: after 256 bytes of its own and the headroom of 2. */
const AT = 258;
const INTERFACE = 7;
const SLOT = 3;
const IPV4 = { ip: 20, addresses: 12, address: 4 } as const;
const IPV6 = { ip: 40, addresses: 8, address: 16 } as const;
const FAMILIES = { IPv4: IPV4, IPv6: IPV6 } as const;
type Family = keyof typeof FAMILIES;

/** What a frame says. Addresses and ports as in the frame: from, then to. */
interface Datagram {
  readonly family: Family;
  readonly macs: readonly [to: Uint8Array, from: Uint8Array];
  readonly addresses: readonly [from: Uint8Array, to: Uint8Array];
  readonly ports: readonly [from: number, to: number];
  readonly payload: Uint8Array;
}

/** The ones' complement sum of RFC 1071, of big-endian halves; an odd last byte is the upper one of its half. */
function onesSum(bytes: Uint8Array): number {
  let sum = 0;
  for (const [i, byte] of bytes.entries()) sum += i % 2 === 0 ? byte * 256 : byte;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

const half = (value: number) => [value >>> 8, value & 0xff];

function pseudoHeader({ addresses, payload }: Datagram): number[] {
  return [...addresses[0], ...addresses[1], 0, 17, ...half(8 + payload.length)];
}

/** The frame of a datagram, as a server sends it: time to live 64, no fragments, nothing else set. */
function frameOf(datagram: Datagram): Uint8Array<ArrayBuffer> {
  const { family, macs, addresses, ports, payload } = datagram;
  const udp = [...ports.flatMap(half), ...half(8 + payload.length), 0, 0, ...payload];
  const sum = onesSum(Uint8Array.from([...pseudoHeader(datagram), ...udp])) ^ 0xffff;
  udp.splice(6, 2, ...half(sum === 0 ? 0xffff : sum));
  const ip =
    family === "IPv4"
      ? [0x45, 0, ...half(20 + udp.length), 0, 0, 0x40, 0, 64, 17, 0, 0, ...addresses[0], ...addresses[1]]
      : [0x60, 0, 0, 0, ...half(udp.length), 17, 64, ...addresses[0], ...addresses[1]];
  if (family === "IPv4") ip.splice(10, 2, ...half(onesSum(Uint8Array.from(ip)) ^ 0xffff));
  const type = family === "IPv4" ? [8, 0] : [0x86, 0xdd];
  return Uint8Array.from([...macs[0], ...macs[1], ...type, ...ip, ...udp]);
}

const udpAt = (family: Family) => 14 + FAMILIES[family].ip;

function setUdpChecksum(frame: Uint8Array, family: Family, checksum: number): void {
  frame.set(half(checksum), udpAt(family) + 6);
}

/** Frames and slots, filled with a value that no test writes. */
function memories() {
  const bytes = new Uint8Array(2 * FRAME_SIZE).fill(0xa5);
  const slots = new Lane(engineMemory(), 0);
  const slot = slots.bytes.subarray(slots.at + SLOT * SLOT_SIZE, slots.at + (SLOT + 1) * SLOT_SIZE).fill(0x5a);
  const frames = new Frames(bytes.buffer, bytes.length, slots, INTERFACE);
  const view = new DataView(slot.buffer, slot.byteOffset, slot.byteLength);
  return {
    slot,
    /** Puts a frame into memory. @returns whether it was read into the slot */
    read(frame: Uint8Array): boolean {
      bytes.fill(0xa5);
      bytes.set(frame, AT);
      slot.fill(0x5a);
      return frames.read(AT, frame.length, SLOT);
    },
    get length(): number {
      return view.getInt32(SLOT_LENGTH, true);
    },
    get source() {
      return slot.slice(SLOT_SOURCE, SLOT_SOURCE + SOURCE_SIZE);
    },
    /** Writes a reply over the frame. @returns the frame, or undefined if there is none; fails if other bytes have changed */
    write(reply: Uint8Array): Uint8Array | undefined {
      view.setInt32(SLOT_REPLY_LENGTH, reply.length, true);
      slot.set(reply, SLOT_REPLY);
      const before = bytes.slice();
      const length = frames.write(AT, SLOT);
      if (length === 0) expect(bytes).toEqual(before);
      expect(bytes.subarray(0, AT)).toEqual(before.subarray(0, AT));
      expect(bytes.subarray(AT + length)).toEqual(before.subarray(AT + length));
      return length === 0 ? undefined : bytes.slice(AT, AT + length);
    },
  };
}

function randomDatagram(random: Random, family: Family, payload: Uint8Array): Datagram {
  const { address } = FAMILIES[family];
  const bytes = (length: number) => Uint8Array.from({ length }, () => random.below(256));
  // The program in the kernel lets no group address through: 2000::/3 is none, and needs no scope.
  const ip = () => bytes(address).fill(0x20, 0, 1);
  const port = () => 1 + random.below(65_535);
  return { family, macs: [bytes(6), bytes(6)], addresses: [ip(), ip()], ports: [port(), port()], payload };
}

function replyTo({ family, macs, addresses, ports }: Datagram, payload: Uint8Array): Datagram {
  const swapped = <T>([a, b]: readonly [T, T]) => [b, a] as const;
  return { family, macs: swapped(macs), addresses: swapped(addresses), ports: swapped(ports), payload };
}

/** The sockaddr_in6 of a source; IPv4 addresses are mapped. */
function sockaddr({ family, addresses: [from], ports: [port] }: Datagram, scope = 0): Uint8Array<ArrayBuffer> {
  const address = family === "IPv4" ? [...Array(10).fill(0), 0xff, 0xff, ...from] : from;
  return Uint8Array.from([10, 0, ...half(port), 0, 0, 0, 0, ...address, scope, 0, 0, 0]);
}

function payloadOf(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

describe.each(["IPv4", "IPv6"] as const)("%s", (family) => {
  test("packets of all lengths get into the slot, with their sources, and nothing behind them changes", () => {
    const random = new Random(1);
    const memory = memories();
    for (let length = 0; length <= MAX_PACKET; length++) {
      const datagram = randomDatagram(random, family, payloadOf(random, length));
      expect(memory.read(frameOf(datagram)), `length ${length}`).toBe(true);
      expect(memory.length).toBe(length);
      expect(hex(memory.source)).toBe(hex(sockaddr(datagram)));
      const packet = memory.slot.subarray(SLOT_PACKET);
      expect(hex(packet.subarray(0, length))).toBe(hex(datagram.payload));
      expect(packet.subarray(length).every((byte) => byte === 0x5a)).toBe(true);
    }
  });

  test("of a packet that is too long the slot gets the length only", () => {
    const random = new Random(2);
    const memory = memories();
    for (const length of [MAX_PACKET + 1, MAX_PACKET + 2, 1400, 1500 - FAMILIES[family].ip - 8]) {
      const datagram = randomDatagram(random, family, payloadOf(random, length));
      expect(memory.read(frameOf(datagram))).toBe(true);
      expect(memory.length).toBe(length);
      expect(hex(memory.source)).toBe(hex(sockaddr(datagram)));
      expect(memory.slot.subarray(SLOT_PACKET).every((byte) => byte === 0x5a)).toBe(true);
    }
  });

  test("one wrong bit in what a checksum covers is found", () => {
    const random = new Random(3);
    const memory = memories();
    for (const length of [0, 1, 2, 3, 12, 60]) {
      const frame = frameOf(randomDatagram(random, family, payloadOf(random, length)));
      expect(memory.read(frame)).toBe(true);
      const udp = udpAt(family);
      for (let bit = (family === "IPv4" ? 14 : 22) * 8; bit < frame.length * 8; bit++) {
        const at = bit >>> 3;
        // The program in the kernel has compared both lengths.
        if (at === udp + 4 || at === udp + 5) continue;
        const wrong = frame.slice();
        wrong[at]! ^= 1 << (bit & 7);
        expect(memory.read(wrong), `byte ${at}, bit ${bit & 7}`).toBe(false);
      }
    }
  });

  test("a packet that does not end within its frame is refused, and bytes behind it are ignored", () => {
    const random = new Random(9);
    const memory = memories();
    for (const length of [0, 1, 12, 60]) {
      const datagram = randomDatagram(random, family, payloadOf(random, length));
      const frame = frameOf(datagram);
      expect(memory.read(Uint8Array.from([...frame, 1, 2, 3, 4, 5]))).toBe(true);
      expect(memory.length).toBe(length);
      // With the sum of the pseudo header alone, the missing bytes do not make the checksum wrong.
      setUdpChecksum(frame, family, onesSum(Uint8Array.from(pseudoHeader(datagram))));
      expect(memory.read(frame)).toBe(true);
      for (let end = udpAt(family) + 8; end < frame.length; end++) expect(memory.read(frame.slice(0, end))).toBe(false);
    }
  });

  test("a checksum that is wrong by one, or not inverted, is refused", () => {
    const random = new Random(4);
    const memory = memories();
    for (let i = 0; i < 200; i++) {
      const frame = frameOf(randomDatagram(random, family, payloadOf(random, random.below(100))));
      const udp = udpAt(family);
      const right = (frame[udp + 6]! << 8) | frame[udp + 7]!;
      for (const wrong of [right + 1, right - 1, right ^ 0xffff]) {
        // 0 is no checksum at all, and 0xffff the same as 0 to a sum.
        if (wrong <= 0 || wrong >= 0xffff) continue;
        setUdpChecksum(frame, family, wrong);
        expect(memory.read(frame)).toBe(false);
      }
    }
  });

  test("the sum of the pseudo header alone is accepted: within a host the rest is left to hardware", () => {
    const random = new Random(5);
    const memory = memories();
    for (let i = 0; i < 100; i++) {
      const datagram = randomDatagram(random, family, payloadOf(random, random.below(100)));
      const frame = frameOf(datagram);
      const pseudo = onesSum(Uint8Array.from(pseudoHeader(datagram)));
      setUdpChecksum(frame, family, pseudo);
      expect(memory.read(frame)).toBe(true);
      setUdpChecksum(frame, family, pseudo - 1);
      expect(memory.read(frame)).toBe(false);
    }
  });

  test("a datagram whose sum is 0 has the checksum 0xffff", () => {
    const random = new Random(6);
    const memory = memories();
    for (let i = 0; i < 100; i++) {
      const datagram = randomDatagram(random, family, payloadOf(random, 2 * random.below(50) + 2));
      const { payload } = datagram;
      // The last half of the payload makes the sum of all others complete.
      payload.fill(0, -2);
      const udp = udpAt(family);
      const others = frameOf(datagram);
      payload.set(others.subarray(udp + 6, udp + 8), payload.length - 2);
      const frame = frameOf(datagram);
      expect(hex(frame.subarray(udp + 6, udp + 8))).toBe("ffff");
      expect(memory.read(frame)).toBe(true);
    }
  });

  test("a reply is the frame of a server, to the address that asked and from the one that was asked", () => {
    const random = new Random(7);
    const memory = memories();
    for (let length = 4; length <= MAX_PACKET + 4; length += 4) {
      const asked = randomDatagram(random, family, payloadOf(random, random.below(100)));
      const frame = frameOf(asked);
      // Fields that a reply does not take over: DSCP and ECN, identification, flow label, time to live.
      frame[15] = random.below(256);
      if (family === "IPv4") frame.set([random.below(256), random.below(256), 0, 0, 1 + random.below(255)], 18);
      else frame.set([random.below(256), random.below(256)], 16);
      const payload = payloadOf(random, length);
      memory.read(frame);
      expect(hex(memory.write(payload)!), `length ${length}`).toBe(hex(frameOf(replyTo(asked, payload))));
    }
  });

  test("a reply whose sum is 0 gets the checksum 0xffff", () => {
    const random = new Random(8);
    const memory = memories();
    for (let i = 0; i < 100; i++) {
      const asked = randomDatagram(random, family, payloadOf(random, 12));
      memory.read(frameOf(asked));
      const payload = payloadOf(random, 4 * random.below(20) + 4);
      payload.fill(0, -2);
      const udp = udpAt(family);
      payload.set(frameOf(replyTo(asked, payload)).subarray(udp + 6, udp + 8), payload.length - 2);
      const frame = memory.write(payload)!;
      expect(hex(frame.subarray(udp + 6, udp + 8))).toBe("ffff");
    }
  });

  test("where the engine has no reply the frame stays as it is", () => {
    const memory = memories();
    memory.read(frameOf(randomDatagram(new Random(9), family, payloadOf(new Random(9), 33))));
    expect(memory.write(new Uint8Array(0))).toBeUndefined();
  });
});

test("no checksum is accepted of IPv4 and refused of IPv6", () => {
  const random = new Random(10);
  const memory = memories();
  for (const family of ["IPv4", "IPv6"] as const) {
    const frame = frameOf(randomDatagram(random, family, payloadOf(random, 40)));
    setUdpChecksum(frame, family, 0);
    expect(memory.read(frame)).toBe(family === "IPv4");
  }
});

test("link-local sources have the interface as their scope, others have none", () => {
  const random = new Random(11);
  const memory = memories();
  const scopes = { fe80: INTERFACE, febf: INTERFACE, fec0: 0, fe7f: 0, "20fe": 0, fd80: 0 };
  for (const [prefix, scope] of Object.entries(scopes)) {
    const datagram = randomDatagram(random, "IPv6", payloadOf(random, 12));
    datagram.addresses[0].set(Uint8Array.fromHex(prefix));
    expect(memory.read(frameOf(datagram))).toBe(true);
    expect(hex(memory.source)).toBe(hex(sockaddr(datagram, scope)));
  }
});

test("a frame that is neither IPv4 without options nor IPv6 is refused", () => {
  const random = new Random(12);
  const memory = memories();
  const frame = frameOf(randomDatagram(random, "IPv4", payloadOf(random, 12)));
  for (let first = 0; first < 256; first++) {
    if (first === 0x45 || first >>> 4 === 6) continue;
    frame[14] = first;
    expect(memory.read(frame)).toBe(false);
  }
});
