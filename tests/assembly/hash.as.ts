/** The expected hashes were computed by an independent Python program, from the definition and not from the code. */
import { clearPadding, hashId, hashSource, spread, tag } from "../../assembly/hash";
import { KEY_SIZE } from "../../assembly/layout";
import { flip, hexOf, ID, put, useId } from "./support/bytes";
import { layOut, setKey } from "./support/memory";

/** Indexes of key words: 0 is the first of the final key, then follow those for sources and for NodeIDs. */
const KEY_SOURCE: u32 = 4;
const KEY_ID: u32 = 8;

/** Combines the two words of a hash. */
function pair(first: u32, second: u32): u64 {
  return ((<u64>first) << 32) | second;
}

function last(): u64 {
  return pair(tag, spread);
}

/** The hash of bytes given in hexadecimal and padded with zeros. */
function hash(hex: string): u64 {
  memory.fill(ID, 0, 64);
  hashId(ID, put(ID, hex));
  return last();
}

function hashRun(length: u32): u64 {
  hashId(ID, length);
  return last();
}

function hashOfSource(first: u32, second: u32, family: u32): u64 {
  hashSource(first, second, family);
  return last();
}

describe("the hash of a NodeID", () => {
  beforeEach(() => {
    layOut(1, 64, 1, 8, 1);
  });

  test("equals NH plus two keyed rounds, as computed independently", () => {
    expect<u64>(hash("")).toBe(pair(0x3b9f47e7, 0xc4631032));
    expect<u64>(hash("61")).toBe(pair(0x04f5f924, 0x25c457b4));
    expect<u64>(hash("6100")).toBe(pair(0x57135db5, 0xec7b5f85));
    expect<u64>(hash("61626364")).toBe(pair(0x8933dcd5, 0x4f8c2066));
    expect<u64>(hash("6162636465")).toBe(pair(0xcaa05258, 0x97689f60));
    expect<u64>(hash("6162636465666768")).toBe(pair(0xa7e974aa, 0xdd5d6551));
    expect<u64>(hash("616263646566676869")).toBe(pair(0xdbd6ffb5, 0x742202ed));
  });

  test("covers 64 bytes, and all 1008 bytes with the last word of the key", () => {
    for (let i: u32 = 0; i < 64; i++) store<u8>(ID + i, <u8>i);
    expect<u64>(hashRun(64)).toBe(pair(0xf00847aa, 0x225f1dcb));
    memory.fill(ID, 0xff, 1008);
    expect<u64>(hashRun(1008)).toBe(pair(0x92231b56, 0x6395161b));
    setKey(KEY_SIZE / 4 - 1, 0);
    expect<u64>(hashRun(1008)).not.toBe(pair(0x92231b56, 0x6395161b));
  });

  test("adds the key modulo 2^32: 0xffffffff + 2 equals 0 + 1", () => {
    setKey(KEY_ID, 2);
    setKey(KEY_ID + 1, 0x80000000);
    const over = hash("ffffffff 00000080");
    const odd = hash("ffffffff");
    setKey(KEY_ID, 1);
    // The second word plus its key wraps to 0, so all products are 0 and only the length remains.
    expect<u64>(hash("00000000 00000080")).toBe(over);
    expect<u64>(hash("00000000")).toBe(odd);
    setKey(KEY_ID, 0);
    expect<u64>(hash("00000000 00000080")).toBe(over);
    expect<u64>(hash("00000000")).not.toBe(odd);
  });

  test("adds the key modulo 2^32 in the second word of a pair too: 0xffffffff + 3 equals 1 + 1", () => {
    setKey(KEY_ID + 1, 3);
    const over = hash("01000000 ffffffff");
    setKey(KEY_ID + 1, 1);
    expect<u64>(hash("01000000 01000000")).toBe(over);
  });

  test("uses 64-bit products: 0x10000 times 0x10000 is not 0", () => {
    setKey(KEY_ID, 0x10000);
    setKey(KEY_ID + 1, 0x10000);
    const product = hash("00000000 00000000");
    setKey(KEY_ID, 0);
    expect<u64>(hash("00000000 00000000")).not.toBe(product);
  });

  test("differs for different lengths of the same words", () => {
    const one = hash("61");
    const two = hash("6100");
    const three = hash("610000");
    const four = hash("61000000");
    expect<bool>(one !== two && two !== three && three !== four && one !== three && two !== four).toBe(true);
    expect<u64>(hash("6100000000")).not.toBe(four);
  });

  test("depends on every bit of a NodeID, with an even or odd number of words", () => {
    let same = 0;
    for (let length: u32 = 1; length <= 20; length++) {
      memory.fill(ID, 0, 64);
      memory.fill(ID, 0x5a, length);
      const before = hashRun(length);
      for (let bit: u32 = 0; bit < length * 8; bit++) {
        flip(ID, bit);
        hashId(ID, length);
        if (tag === <u32>(before >> 32) || spread === <u32>before) same++;
        flip(ID, bit);
      }
    }
    expect<i32>(same).toBe(0);
  });

  test("depends on the two words of the final key, and on the key word of each NodeID word and its pair", () => {
    const before = hash("61626364 65666768 69");
    for (let word: u32 = 0; word < 2; word++) {
      layOut(1, 64, 1, 8, 1);
      setKey(word, 0x12345678);
      expect<u64>(hash("61626364 65666768 69")).not.toBe(before);
    }
    for (let word = KEY_ID; word < KEY_ID + 4; word++) {
      layOut(1, 64, 1, 8, 1);
      setKey(word, 0x12345678);
      expect<u64>(hash("61626364 65666768 69")).not.toBe(before);
    }
    layOut(1, 64, 1, 8, 1);
    setKey(KEY_ID + 4, 0x12345678);
    expect<u64>(hash("61626364 65666768 69")).toBe(before);
  });

  test("does not read past a NodeID's padding", () => {
    const before = hash("61626364 65");
    memory.fill(ID + 8, 0xff, 8);
    hashId(ID, 5);
    expect<u64>(last()).toBe(before);
  });

  test("does not depend on the padding after clearPadding, which changes nothing else", () => {
    for (let length: u32 = 1; length <= 12; length++) {
      memory.fill(ID, 0, 64);
      memory.fill(ID, 0x61, length);
      const clean = hexOf(ID, (length + 3) & ~3);
      const before = hashRun(length);
      memory.fill(ID + length, 0xee, 20);
      clearPadding(ID, length);
      expect<u64>(hashRun(length)).toBe(before);
      expect<string>(hexOf(ID, 20)).toBe(`${clean} eeeeeeee eeeeeeee eeeeeeee eeeeeeee`.substr(0, 44));
    }
  });

  test("works at any address", () => {
    const before = hash("61626364 65666768 69");
    for (let at: usize = ID + 1; at < ID + 8; at++) {
      memory.fill(ID, 0, 64);
      hashId(at, put(at, "61626364 65666768 69"));
      expect<u64>(last()).toBe(before);
    }
  });

  test("spreads consecutive NodeIDs evenly over index and shards", () => {
    // 16,384 values in 64 boxes of 256: chi-square with 63 degrees of freedom exceeds 126 by chance once in 300,000.
    const homes = new StaticArray<i32>(64);
    const shards = new StaticArray<i32>(64);
    const lows = new StaticArray<i32>(64);
    for (let n: u32 = 0; n < 16384; n++) {
      useId(n);
      homes[tag >>> 26]++;
      shards[spread & 63]++;
      lows[tag & 63]++;
    }
    expect<f64>(chiSquare(homes)).toBeLessThan(126);
    expect<f64>(chiSquare(shards)).toBeLessThan(126);
    expect<f64>(chiSquare(lows)).toBeLessThan(126);
  });

  test("gives 4096 similar NodeIDs 4096 different tags, with each bit set in about half of them", () => {
    const tags = new Set<u32>();
    const ones = new StaticArray<i32>(64);
    for (let n: u32 = 0; n < 4096; n++) {
      useId(n << 20);
      tags.add(tag);
      for (let bit: u32 = 0; bit < 64; bit++) ones[bit] += <i32>((last() >> bit) & 1);
    }
    expect<i32>(tags.size).toBe(4096);
    for (let bit = 0; bit < 64; bit++) {
      // Five standard deviations of 32.
      expect<i32>(ones[bit]).toBeGreaterThan(2048 - 160);
      expect<i32>(ones[bit]).toBeLessThan(2048 + 160);
    }
  });
});

function chiSquare(boxes: StaticArray<i32>): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < 64; i++) sum += (<f64>boxes[i] - 256) * (<f64>boxes[i] - 256);
  return sum / 256;
}

describe("the hash of a source", () => {
  beforeEach(() => {
    layOut(1, 64, 1, 8, 1);
  });

  test("equals the keyed product of its words plus two rounds, as computed independently", () => {
    expect<u64>(hashOfSource(0x00030201, 0, 0)).toBe(pair(0x9b7c5210, 0x5d5f4c38));
    expect<u64>(hashOfSource(0xb80d0120, 0x3412, 1)).toBe(pair(0x56005fd9, 0x4a42ab4f));
    expect<u64>(hashOfSource(0xffffffff, 0xffffffff, 1)).toBe(pair(0xf7522958, 0x23e590b0));
  });

  test("adds the key modulo 2^32: 0xffffffff + 2 equals 0 + 1", () => {
    setKey(KEY_SOURCE, 2);
    setKey(KEY_SOURCE + 1, 2);
    const over = hashOfSource(0xffffffff, 0xffffffff, 0);
    setKey(KEY_SOURCE, 1);
    setKey(KEY_SOURCE + 1, 1);
    expect<u64>(hashOfSource(0, 0, 0)).toBe(over);
  });

  test("depends on both words and on the family, which has its own key", () => {
    const before = hashOfSource(1, 2, 0);
    expect<u64>(hashOfSource(2, 2, 0)).not.toBe(before);
    expect<u64>(hashOfSource(1, 3, 0)).not.toBe(before);
    expect<u64>(hashOfSource(2, 1, 0)).not.toBe(before);
    const six = hashOfSource(1, 2, 1);
    expect<u64>(six).not.toBe(before);
    setKey(KEY_SOURCE, 7);
    setKey(KEY_SOURCE + 1, 7);
    expect<u64>(hashOfSource(1, 2, 0)).not.toBe(before);
    expect<u64>(hashOfSource(1, 2, 1)).toBe(six);
  });
});
