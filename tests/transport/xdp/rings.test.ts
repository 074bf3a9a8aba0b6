/** The worker's side of the rings; the test is the kernel. */
import { describe, expect, test } from "bun:test";
import type { RingLayout } from "../../../src/transport/xdp/region.ts";
import { AddingRing, TakingRing } from "../../../src/transport/xdp/rings.ts";

const ENTRIES = 8;
const LAYOUT: RingLayout = { producer: 64, consumer: 128, entries: 192 };
/** Counters to begin with: 0, and shortly before they wrap around. */
const STARTS = [0, -3, 0x7fff_fffd] as const;

/** A ring in memory. The kernel's and the worker's side begin at the same place. */
function memory(start: number, entrySize: number) {
  const region = new ArrayBuffer(LAYOUT.entries + ENTRIES * entrySize);
  const producer = new Int32Array(region, LAYOUT.producer, 1);
  const consumer = new Int32Array(region, LAYOUT.consumer, 1);
  const words = new Int32Array(region, LAYOUT.entries);
  producer[0] = start;
  consumer[0] = start;
  /** The place of the entry with a number, which may have wrapped around. */
  const place = (number: number) => (number & (ENTRIES - 1)) * (entrySize >>> 2);
  return { region, producer, consumer, words, place };
}

describe.each([...STARTS])("with counters that begin at %d", (start) => {
  test("entries are taken in the order in which the kernel added them", () => {
    for (const entrySize of [8, 16]) {
      const { region, producer, consumer, words, place } = memory(start, entrySize);
      const ring = new TakingRing(region, LAYOUT, ENTRIES, entrySize);
      expect(ring.available).toBe(0);
      let added = 0;
      let taken = 0;
      for (const count of [1, 3, ENTRIES, 0, 5, 2, ENTRIES, 7]) {
        for (let i = 0; i < count; i++) words[place(start + added + i)] = 1000 + added + i;
        added += count;
        producer[0] = start + added;
        expect(ring.available).toBe(count);
        for (let i = 0; i < count; i++) expect(ring.words[ring.take()]).toBe(1000 + taken++);
        // The places are the worker's until it gives them back.
        expect(consumer[0]).toBe((start + added - count) | 0);
        ring.commit();
        expect(consumer[0]).toBe((start + added) | 0);
      }
    }
  });

  test("added entries are the kernel's after commit", () => {
    for (const entrySize of [8, 16]) {
      const { region, producer, consumer, words, place } = memory(start, entrySize);
      const ring = new AddingRing(region, LAYOUT, ENTRIES, entrySize);
      expect(ring.pending).toBe(false);
      let added = 0;
      for (const count of [1, 3, ENTRIES, 5, 2, ENTRIES, 7]) {
        for (let i = 0; i < count; i++) ring.words[ring.add()] = 1000 + added + i;
        expect(producer[0]).toBe((start + added) | 0);
        ring.commit();
        expect(producer[0]).toBe((start + added + count) | 0);
        for (let i = 0; i < count; i++) {
          expect(ring.pending).toBe(true);
          expect(words[place(start + added)]).toBe(1000 + added);
          added++;
          consumer[0] = start + added;
        }
        expect(ring.pending).toBe(false);
      }
    }
  });
});

test("a worker that takes over begins where the ring stands", () => {
  const { region, producer, consumer, words, place } = memory(20, 8);
  producer[0] = 23;
  words[place(20)] = 7;
  const taking = new TakingRing(region, LAYOUT, ENTRIES, 8);
  expect(taking.available).toBe(3);
  expect(taking.words[taking.take()]).toBe(7);
  // Of an adding ring, the kernel has not taken three entries yet.
  const adding = new AddingRing(region, LAYOUT, ENTRIES, 8);
  expect(adding.pending).toBe(true);
  expect(adding.add()).toBe(place(23));
  consumer[0] = 23;
  adding.commit();
  expect(adding.pending).toBe(true);
});

test("rings that were taken away have no entries", () => {
  for (const start of [1, ENTRIES, 1_000_000, -1_000_000]) {
    const { region, producer } = memory(start, 16);
    const ring = new TakingRing(region, LAYOUT, ENTRIES, 16);
    producer[0] = start + 2;
    expect(ring.available).toBe(2);
    ring.take();
    // Empty memory is mapped over the rings.
    new Uint8Array(region).fill(0);
    expect(ring.available).toBe(0);
    // The worker gives back what it took before: that writes to its own empty memory.
    ring.commit();
    expect(ring.available).toBe(0);
  }
});
