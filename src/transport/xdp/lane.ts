/** Moves datagrams between one queue of an interface and the slots of an engine lane, by an AF_XDP socket. */
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { EAGAIN, EBUSY, EINTR, type Libc, MSG_DONTWAIT } from "../libc.ts";
import type { PacketLane } from "../packet-lane.ts";
import type { Slots } from "../transport.ts";
import { Frames } from "./frames.ts";
import { loadXdpLibrary } from "./libc.ts";
import { ADDRESS_SIZE, DESCRIPTOR_SIZE, FRAME_SIZE } from "./region.ts";
import { AddingRing, TakingRing } from "./rings.ts";
import { XDP_COUNTERS, type XdpLoan } from "./socket.ts";

/* A descriptor in words: the address, 64 bits; the length; options. */
const LENGTH = 2;
const OPTIONS = 3;
/** Sends for the replies of one batch. What the driver does not take then, the kernel sends at the next poll. */
const MAX_SENDS = 8;

/**
 * Each frame is either the kernel's, for receiving (FILL), or received (RX), or being processed, or to be sent (TX), or sent
 * (COMPLETION). A reply is sent in the frame of its query.
 */
export class XdpLane implements PacketLane {
  readonly fd: number;
  readonly given = false;
  readonly capacity: number;
  readonly #libc: Libc;
  readonly #sendto = loadXdpLibrary().sendto;
  readonly #slots: Slots;
  readonly #counters: Float64Array;
  readonly #frames: Frames;
  readonly #rx: TakingRing;
  readonly #tx: AddingRing;
  readonly #fill: AddingRing;
  readonly #completion: TakingRing;
  /** By slot: where the frame begins. */
  readonly #at: Int32Array;

  constructor(libc: Libc, loan: XdpLoan, slots: Slots) {
    const { fd, region, counters, interfaceIndex } = loan;
    const { at, size, frames, rings } = region;
    const buffer = toArrayBuffer(at as Pointer, 0, size);
    this.fd = fd;
    this.capacity = frames;
    this.#libc = libc;
    this.#slots = slots;
    this.#counters = new Float64Array(counters);
    this.#frames = new Frames(buffer, frames * FRAME_SIZE, slots, interfaceIndex);
    this.#rx = new TakingRing(buffer, rings.rx, frames, DESCRIPTOR_SIZE);
    this.#tx = new AddingRing(buffer, rings.tx, frames, DESCRIPTOR_SIZE);
    this.#fill = new AddingRing(buffer, rings.fill, frames, ADDRESS_SIZE);
    this.#completion = new TakingRing(buffer, rings.completion, frames, ADDRESS_SIZE);
    this.#at = new Int32Array(slots.batch);
  }

  /** Nothing to do: the control thread has already deleted the queue from the program's map. */
  detach(): void {}

  /**
   * Takes the frames that have arrived, at most one for each slot. Those that were cut off or have a wrong checksum are counted and
   * dropped.
   *
   * @returns how many slots have a datagram
   */
  receive(): number {
    const rx = this.#rx;
    const { batch } = this.#slots;
    let filled = 0;
    let count = 0;
    for (const { available } = rx; count < available && filled < batch; count++) {
      const entry = rx.take();
      const at = rx.words[entry]!;
      if (this.#frames.read(at, rx.words[entry + LENGTH]!, filled)) this.#at[filled++] = at;
      else this.#recycle(at);
    }
    rx.commit();
    this.#counters[XDP_COUNTERS.received]! += count;
    this.#counters[XDP_COUNTERS.damaged]! += count - filled;
    if (filled === 0) this.#recycleSent();
    return filled;
  }

  /** Sends the replies in the first `count` slots, and gives the other frames back. */
  reply(count: number): void {
    const tx = this.#tx;
    let replies = 0;
    for (let slot = 0; slot < count; slot++) {
      const at = this.#at[slot]!;
      const length = this.#frames.write(at, slot);
      if (length === 0) {
        this.#recycle(at);
        continue;
      }
      const entry = tx.add();
      tx.words[entry] = at;
      tx.words[entry + 1] = 0;
      tx.words[entry + LENGTH] = length;
      tx.words[entry + OPTIONS] = 0;
      replies++;
    }
    if (replies > 0) {
      tx.commit();
      this.#counters[XDP_COUNTERS.sent]! += replies;
      this.#send();
    }
    this.#recycleSent();
  }

  /** Has the kernel send what is in TX. It takes only some frames per call. */
  #send(): void {
    for (let left = MAX_SENDS; left > 0 && this.#tx.pending; left--) {
      if (this.#sendto(this.fd, null, 0, MSG_DONTWAIT, null, 0) >= 0) continue;
      const error = this.#libc.errno();
      if (error === EAGAIN || error === EINTR) continue;
      this.#slots.countSocketError();
      // The driver dropped one reply. After other errors, the replies are still in the ring.
      if (error === EBUSY) this.#slots.countUnsent(1);
      else return;
    }
  }

  /** Gives the frames whose replies were sent back to the kernel. */
  #recycleSent(): void {
    const completion = this.#completion;
    for (let left = completion.available; left > 0; left--) this.#recycle(completion.words[completion.take()]!);
    completion.commit();
    this.#fill.commit();
  }

  /** The kernel takes any address within a frame, and begins at the frame's start. */
  #recycle(at: number): void {
    const fill = this.#fill;
    const entry = fill.add();
    fill.words[entry] = at & -FRAME_SIZE;
    fill.words[entry + 1] = 0;
  }
}
