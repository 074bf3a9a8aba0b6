/** Random packets in frames, in groups of one kind, for parity.ts. The same seed gives the same frames. */
import { datagram, nodeIds } from "../../engine/twins.ts";
import { addressBytes, EXTENSION, type FrameFields, macBytes, writeFrame } from "../../support/link/build.ts";
import type { FrameBatch } from "../../support/link/link.ts";
import { Random } from "../../support/random.ts";
import { CLIENT_MAC, PORT, SERVER, SERVER_MAC } from "./network.ts";

/** Packets after which the nodes are others. */
const ROUND = 20_000;

/** The same for all packets of a group. */
interface Kind {
  readonly v6: boolean;
  /** Whether the frames have options or extension headers, so that the transport xdp leaves them to the kernel. */
  readonly passed: boolean;
}

/** What a group has: frames, and how many of them are valid, so that they reach the engine. */
export interface Group extends Kind {
  readonly valid: number;
}

const FROM_MAC = macBytes(CLIENT_MAC);
const TO_MAC = macBytes(SERVER_MAC);
const TO = { v4: addressBytes(SERVER.v4), v6: addressBytes(SERVER.v6) };
const MAX_TRAILER = 20;
/** The most that fits into a frame, with an extension header of 8 bytes. */
const LONGEST = 1500 - 40 - 8 - 8 - MAX_TRAILER;
const OPTIONS = Uint8Array.of(1, 1, 1, 0);
const EXTENSIONS = [{ type: EXTENSION.hopByHop, rest: Uint8Array.of(0, 1, 4, 0, 0, 0, 0) }];

export class Traffic {
  readonly #random: Random;
  #ids: readonly Uint8Array[] = [];
  #left = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** A random time in ms, for the clock's next step. Most are short, and some are as long as an announcement is valid. */
  step(retentionMs: number): number {
    const kind = this.#random.below(40);
    if (kind === 0) return this.#random.below(retentionMs);
    return kind < 10 ? 0 : this.#random.below(40);
  }

  /** Fills a batch with random packets. */
  random(batch: FrameBatch, count: number): Group {
    const random = this.#random;
    const kind = { v6: random.once(3), passed: random.once(10) };
    if (this.#left <= 0) {
      this.#ids = nodeIds(random);
      this.#left = ROUND;
    }
    this.#left -= count;
    let valid = 0;
    for (let i = 0; i < count; i++) {
      const { bytes, address, port } = datagram(random, this.#ids);
      const fields = this.#fields(kind, bytes.subarray(0, LONGEST), address, port || 1);
      const wrong = random.once(30);
      const checksum = wrong ? this.#wrongChecksum() : !kind.v6 && random.once(20) ? () => 0 : undefined;
      const trailer = random.once(20) ? random.bytes(random.below(MAX_TRAILER)) : undefined;
      this.#add(batch, { ...fields, udpChecksum: checksum, trailer });
      if (!wrong) valid++;
    }
    return { ...kind, valid };
  }

  /** Fills a batch with these packets. */
  of(batch: FrameBatch, kind: Kind, packets: readonly Uint8Array[]): Group {
    for (const [i, bytes] of packets.entries()) {
      this.#add(
        batch,
        this.#fields(kind, bytes, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 0, i), 4000),
      );
    }
    return { ...kind, valid: packets.length };
  }

  /** @param address - 16 bytes; made one of the group's family */
  #fields({ v6, passed }: Kind, payload: Uint8Array, address: Uint8Array, sourcePort: number): FrameFields {
    return {
      destinationMac: TO_MAC,
      sourceMac: FROM_MAC,
      source: v6 ? ipv6(address) : ipv4(address),
      destination: v6 ? TO.v6 : TO.v4,
      sourcePort,
      destinationPort: PORT,
      payload,
      options: passed && !v6 ? OPTIONS : undefined,
      extensions: passed && v6 ? EXTENSIONS : undefined,
    };
  }

  /** One bit is wrong, and it is not a checksum that means something else. */
  #wrongChecksum(): FrameFields["udpChecksum"] {
    const bit = this.#random.below(16);
    return (right, pseudoHeader) => {
      const wrong = right ^ (1 << bit);
      return wrong === 0 || wrong === pseudoHeader ? right ^ (3 << (bit % 15)) : wrong;
    };
  }

  #add(batch: FrameBatch, fields: FrameFields): void {
    batch.add(writeFrame(batch.bytes, batch.at, fields));
  }
}

function isMapped(address: Uint8Array): boolean {
  return address[10] === 0xff && address[11] === 0xff && address[0] === 0;
}

function ipv4(address: Uint8Array): Uint8Array {
  return isMapped(address) ? address.subarray(12) : Uint8Array.of(10, 3, address[13]!, address[15]!);
}

/** The server's host sends replies to these: it has a route for the first two, and knows the last neighbour. */
function ipv6(address: Uint8Array): Uint8Array {
  const bytes = address.slice();
  if (isMapped(address)) bytes.set([0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0]);
  else if (address[0] === 0) bytes.set([0x20, 1, 0xd, 0xb8]);
  else if (address[0] === 0xfe && address[1] === 0x80) bytes[15] = 2;
  return bytes;
}
