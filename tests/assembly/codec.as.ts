import { decode, decodeBatch, encodeAnnouncement, encodeQuery } from "../../assembly/codec";
import {
  STATUS_ANNOUNCEMENT,
  STATUS_BAD_ID_LENGTH,
  STATUS_BAD_IP_LENGTH,
  STATUS_BAD_MAGIC,
  STATUS_BAD_RESERVED,
  STATUS_QUERY,
  STATUS_SHORT,
  STATUS_TRAILING,
} from "../../assembly/layout";
import { hexOf, put, putFresh } from "./support/bytes";
import { checksum, FILLER, SCRATCH } from "./support/memory";

/** Addresses for fields, NodeIDs, IPs and tables. Packets are at SCRATCH. */
const FIELDS: usize = SCRATCH + 0x4000;
const ID: usize = SCRATCH + 0x8000;
const IP: usize = SCRATCH + 0x9000;
const TABLE: usize = SCRATCH + 0xa000;

const STATUS = 0;
const PORT = 4;
const ID_AT = 8;
const ID_LENGTH = 12;
const IP_AT = 16;
const IP_LENGTH = 20;

function field(name: i32): u32 {
  return load<u32>(FIELDS + name);
}

function decodeHex(hex: string): u32 {
  memory.fill(FIELDS, FILLER, 64);
  return decode(SCRATCH, putFresh(hex), FIELDS);
}

describe("decode", () => {
  test("returns an announcement's port and the offsets and lengths of its NodeID and IP", () => {
    expect<u32>(decodeHex("20121025 56080000 00000005 61626364 65000000 00000004 7f000001")).toBe(STATUS_ANNOUNCEMENT);
    expect<u32>(field(STATUS)).toBe(STATUS_ANNOUNCEMENT);
    expect<u32>(field(PORT)).toBe(0x5608);
    expect<u32>(field(ID_AT)).toBe(12);
    expect<u32>(field(ID_LENGTH)).toBe(5);
    expect<u32>(field(IP_AT)).toBe(24);
    expect<u32>(field(IP_LENGTH)).toBe(4);
  });

  test("returns an IP length of 0 for an announcement without an IP, and 16 for one with IPv6", () => {
    expect<u32>(decodeHex("20121025 ffff0000 00000000 00000000")).toBe(STATUS_ANNOUNCEMENT);
    expect<u32>(field(PORT)).toBe(65535);
    expect<u32>(field(ID_LENGTH)).toBe(0);
    expect<u32>(field(IP_AT)).toBe(16);
    expect<u32>(field(IP_LENGTH)).toBe(0);
    decodeHex("20121025 ffff0000 00000000 00000010 00000000 00000000 00000000 00000000");
    expect<u32>(field(IP_AT)).toBe(16);
    expect<u32>(field(IP_LENGTH)).toBe(16);
  });

  test("returns a query's NodeID offset and length, and 0 for port and IP", () => {
    expect<u32>(decodeHex("19760309 00000006 61626364 65660000")).toBe(STATUS_QUERY);
    expect<u32>(field(STATUS)).toBe(STATUS_QUERY);
    expect<u32>(field(PORT)).toBe(0);
    expect<u32>(field(ID_AT)).toBe(8);
    expect<u32>(field(ID_LENGTH)).toBe(6);
    expect<u32>(field(IP_AT)).toBe(0);
    expect<u32>(field(IP_LENGTH)).toBe(0);
  });

  test("returns the reason for an invalid packet, and writes no other field", () => {
    expect<u32>(decodeHex("201210")).toBe(STATUS_SHORT);
    expect<u32>(decodeHex("00000000")).toBe(STATUS_BAD_MAGIC);
    expect<u32>(decodeHex("20121025 56080001")).toBe(STATUS_BAD_RESERVED);
    expect<u32>(decodeHex("19760309 fffffffc 61626364")).toBe(STATUS_BAD_ID_LENGTH);
    expect<u32>(decodeHex("20121025 56080000 00000000 00000005")).toBe(STATUS_BAD_IP_LENGTH);
    expect<u32>(decodeHex("19760309 00000000 00")).toBe(STATUS_TRAILING);
    expect<u32>(field(STATUS)).toBe(STATUS_TRAILING);
    for (let name = PORT; name < 32; name += 4) expect<u32>(field(name)).toBe(0xffffffff);
  });

  test("does not change the two unused words or the packet", () => {
    decodeHex("20121025 56080000 00000001 61000000 00000004 7f000001");
    for (let name = 24; name < 40; name += 4) expect<u32>(field(name)).toBe(0xffffffff);
    expect<string>(hexOf(SCRATCH, 24)).toBe("20121025 56080000 00000001 61000000 00000004 7f000001");
  });
});

describe("decodeBatch", () => {
  test("decodes each packet of the table into its own fields and returns the number of valid packets", () => {
    const packets: string[] = [
      "19760309 00000003 61626300",
      "00000000",
      "20121025 56080000 00000001 61000000 00000000",
      "20121025 56080000 00000001 61000000 00000000 00",
      "19760309 00000000",
    ];
    const statuses: u32[] = [STATUS_QUERY, STATUS_BAD_MAGIC, STATUS_ANNOUNCEMENT, STATUS_TRAILING, STATUS_QUERY];
    memory.fill(FIELDS, FILLER, 256);
    putFresh("");
    // Neither in the order of their addresses nor aligned to words.
    for (let i = 0; i < 5; i++) {
      const at = SCRATCH + 301 - 60 * i;
      store<u32>(TABLE + i * 8, <u32>at);
      store<u32>(TABLE + i * 8, put(at, packets[i]), 4);
    }
    expect<u32>(decodeBatch(TABLE, 5, FIELDS)).toBe(3);
    for (let i = 0; i < 5; i++) expect<u32>(load<u32>(FIELDS + i * 32)).toBe(statuses[i]);
    expect<u32>(load<u32>(FIELDS + ID_LENGTH)).toBe(3);
    expect<u32>(load<u32>(FIELDS + 2 * 32 + PORT)).toBe(0x5608);
    expect<u32>(load<u32>(FIELDS + 2 * 32 + ID_AT)).toBe(12);
    expect<u32>(load<u32>(FIELDS + 5 * 32)).toBe(0xffffffff);
  });

  test("with a count of 0 decodes nothing", () => {
    memory.fill(FIELDS, FILLER, 32);
    expect<u32>(decodeBatch(TABLE, 0, FIELDS)).toBe(0);
    expect<u32>(field(STATUS)).toBe(0xffffffff);
  });
});

describe("encode", () => {
  test("writes an announcement as the protocol defines it, and nothing after it", () => {
    putFresh("");
    put(ID, "6162636465");
    put(IP, "c0a80001");
    expect<u32>(encodeAnnouncement(SCRATCH, 22024, ID, 5, IP, 4)).toBe(28);
    expect<string>(hexOf(SCRATCH, 32)).toBe("20121025 56080000 00000005 61626364 65000000 00000004 c0a80001 ffffffff");
  });

  test("writes a query as the protocol defines it, and nothing after it", () => {
    putFresh("");
    put(ID, "616263646566");
    expect<u32>(encodeQuery(SCRATCH, ID, 6)).toBe(16);
    expect<string>(hexOf(SCRATCH, 20)).toBe("19760309 00000006 61626364 65660000 ffffffff");
  });

  test("writes packets that decode to the same values, for NodeIDs of any length and IPs of any size", () => {
    for (let i: u32 = 0; i < 1008; i++) store<u8>(ID + i, <u8>(i * 7 + 1));
    for (let i: u32 = 0; i < 16; i++) store<u8>(IP + i, <u8>(i + 100));
    const ips: u32[] = [0, 4, 16];
    let wrong: u32 = 0;
    for (let length: u32 = 0; length <= 1008; length++) {
      for (let i = 0; i < 3; i++) {
        memory.fill(SCRATCH, FILLER, 1056);
        const size = encodeAnnouncement(SCRATCH, length + 1, ID, length, IP, ips[i]);
        if (decode(SCRATCH, size, FIELDS) !== STATUS_ANNOUNCEMENT) wrong++;
        if (field(PORT) !== length + 1 || field(ID_LENGTH) !== length || field(IP_LENGTH) !== ips[i]) wrong++;
        if (!same(SCRATCH + field(ID_AT), ID, length) || !same(SCRATCH + field(IP_AT), IP, ips[i])) wrong++;
        if (load<u8>(SCRATCH + size) !== FILLER) wrong++;
      }
      memory.fill(SCRATCH, FILLER, 1056);
      const size = encodeQuery(SCRATCH, ID, length);
      if (decode(SCRATCH, size, FIELDS) !== STATUS_QUERY || field(ID_LENGTH) !== length) wrong++;
      if (!same(SCRATCH + field(ID_AT), ID, length) || load<u8>(SCRATCH + size) !== FILLER) wrong++;
    }
    expect<u32>(wrong).toBe(0);
  });

  test("overwrites the padding with zeros", () => {
    for (let length: u32 = 1; length <= 4; length++) {
      putFresh("");
      const size = encodeQuery(SCRATCH, ID, length);
      for (let at = SCRATCH + 8 + length; at < SCRATCH + size; at++) expect<u8>(load<u8>(at)).toBe(0);
      putFresh("");
      encodeAnnouncement(SCRATCH, 1, ID, length, IP, 0);
      for (let at = SCRATCH + 12 + length; at < SCRATCH + 16; at++) expect<u8>(load<u8>(at)).toBe(0);
    }
  });

  test("accepts a NodeID and an IP that are already at their final place", () => {
    putFresh("ffffffff ffffffff ffffffff 61626364 65ffffff ffffffff c0a80001");
    encodeAnnouncement(SCRATCH, 22024, SCRATCH + 12, 5, SCRATCH + 24, 4);
    expect<string>(hexOf(SCRATCH, 28)).toBe("20121025 56080000 00000005 61626364 65000000 00000004 c0a80001");
    putFresh("ffffffff ffffffff 616263ff");
    encodeQuery(SCRATCH, SCRATCH + 8, 3);
    expect<string>(hexOf(SCRATCH, 12)).toBe("19760309 00000003 61626300");
  });

  test("turns a query into its reply in place: the IP is moved before the NodeID overwrites it", () => {
    // The NodeID moves from 8 to 12. The IP follows it, where the end of the NodeID will be.
    putFresh("19760309 00000008 61626364 65666768 c0a80001");
    const size = encodeAnnouncement(SCRATCH, 1, SCRATCH + 8, 8, SCRATCH + 16, 4);
    expect<string>(hexOf(SCRATCH, size)).toBe("20121025 00010000 00000008 61626364 65666768 00000004 c0a80001");
  });

  test("does not change its inputs", () => {
    put(ID, "0102030405");
    put(IP, "0a0b0c0d");
    const before = checksum(ID, IP + 16);
    encodeAnnouncement(SCRATCH, 1, ID, 5, IP, 4);
    encodeQuery(SCRATCH, ID, 5);
    expect<u64>(checksum(ID, IP + 16)).toBe(before);
  });
});

function same(one: usize, other: usize, size: u32): bool {
  return memory.compare(one, other, size) === 0;
}
