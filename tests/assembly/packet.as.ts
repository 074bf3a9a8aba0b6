import {
  ANNOUNCEMENT_MAGIC,
  QUERY_MAGIC,
  STATUS_ANNOUNCEMENT,
  STATUS_BAD_ID_LENGTH,
  STATUS_BAD_IP_LENGTH,
  STATUS_BAD_MAGIC,
  STATUS_BAD_RESERVED,
  STATUS_QUERY,
  STATUS_SHORT,
  STATUS_TRAILING,
} from "../../assembly/layout";
import { announcedPort, parse, writeAnnouncementHeader, writeQueryHeader } from "../../assembly/packet";
import { hexOf, put, putFresh } from "./support/bytes";
import { FILLER, SCRATCH } from "./support/memory";

/** Status of a packet that is surrounded by 0xff bytes. */
function statusOf(hex: string): u32 {
  return parse(SCRATCH, putFresh(hex));
}

/** Lengths that are negative as i32, or overflow 2^32 when padding or a header is added. */
const OVERFLOWING: u32[] = [
  0x7ffffff0, 0x7ffffffc, 0x7ffffffd, 0x7fffffff, 0x80000000, 0x80000004, 0xffffffe8, 0xffffffec, 0xfffffff0,
  0xfffffff4, 0xfffffff5, 0xfffffff8, 0xfffffff9, 0xfffffffb, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff,
];

/** Writes `value`, big-endian, to word number `word` of the packet. */
function setWord(word: u32, value: u32): void {
  store<u32>(SCRATCH + word * 4, bswap<u32>(value));
}

function query(length: u32): u32 {
  putFresh("");
  setWord(0, QUERY_MAGIC);
  setWord(1, length);
  return 8 + ((length + 3) / 4) * 4;
}

function announcement(length: u32, ipLength: u32): u32 {
  putFresh("");
  setWord(0, ANNOUNCEMENT_MAGIC);
  setWord(1, 0x56080000);
  setWord(2, length);
  const end = 3 + (length + 3) / 4;
  setWord(end, ipLength);
  return end * 4 + 4 + ipLength;
}

/** How many prefixes of the `size` bytes are valid packets. */
function validPrefixes(size: u32): u32 {
  let packets: u32 = 0;
  for (let prefix: u32 = 0; prefix < size; prefix++) {
    if (parse(SCRATCH, prefix) < <u32>STATUS_SHORT) packets++;
  }
  return packets;
}

describe("any datagram", () => {
  test("of fewer than four bytes is short, whatever the bytes are", () => {
    expect<u32>(statusOf("")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("19")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("1976")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("201210")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("000000")).toBe(STATUS_SHORT);
  });

  test("with an unknown magic is bad-magic after its first four bytes", () => {
    expect<u32>(statusOf("00000000")).toBe(STATUS_BAD_MAGIC);
    expect<u32>(statusOf("09037619")).toBe(STATUS_BAD_MAGIC);
    expect<u32>(statusOf("25101220 00000000 00000000 00000000")).toBe(STATUS_BAD_MAGIC);
    expect<u32>(statusOf("ffffffff ffffffff")).toBe(STATUS_BAD_MAGIC);
  });

  test("with any wrong bit in the magic is bad-magic", () => {
    let wrong = 0;
    for (let bit: u32 = 0; bit < 32; bit++) {
      let size = query(4);
      setWord(0, QUERY_MAGIC ^ ((<u32>1) << bit));
      if (parse(SCRATCH, size) === STATUS_BAD_MAGIC) wrong++;
      size = announcement(4, 0);
      setWord(0, ANNOUNCEMENT_MAGIC ^ ((<u32>1) << bit));
      if (parse(SCRATCH, size) === STATUS_BAD_MAGIC) wrong++;
    }
    expect<i32>(wrong).toBe(64);
  });

  test("may start at any address", () => {
    for (let at: usize = SCRATCH; at < SCRATCH + 8; at++) {
      expect<u32>(parse(at, put(at, "19760309 00000005 61626364 65000000"))).toBe(STATUS_QUERY);
      expect<u32>(parse(at, put(at, "20121025 56080000 00000001 61000000 00000004 7f000001"))).toBe(
        STATUS_ANNOUNCEMENT,
      );
    }
  });
});

describe("a query", () => {
  test("with a NodeID of any length up to 1008 bytes is valid, if padded to whole words", () => {
    for (let length: u32 = 0; length <= 1008; length++) {
      if (parse(SCRATCH, query(length)) !== STATUS_QUERY) expect<u32>(length).toBe(0, "a valid query was rejected");
    }
    expect<u32>(statusOf("19760309 00000004 61626364")).toBe(STATUS_QUERY);
  });

  test("of fewer than eight bytes is short, even if a valid length follows in memory", () => {
    const size = query(4);
    for (let prefix: u32 = 4; prefix < 8; prefix++) expect<u32>(parse(SCRATCH, prefix)).toBe(STATUS_SHORT);
    expect<u32>(parse(SCRATCH, size)).toBe(STATUS_QUERY);
    for (let i = 0; i < OVERFLOWING.length; i++) {
      setWord(1, OVERFLOWING[i]);
      for (let prefix: u32 = 4; prefix < 8; prefix++) expect<u32>(parse(SCRATCH, prefix)).toBe(STATUS_SHORT);
    }
  });

  test("with a NodeID longer than the rest of the packet is bad-id-length", () => {
    expect<u32>(statusOf("19760309 00000001")).toBe(STATUS_BAD_ID_LENGTH);
    expect<u32>(statusOf("19760309 00000005 61626364")).toBe(STATUS_BAD_ID_LENGTH);
    expect<u32>(statusOf("19760309 00000004 616263")).toBe(STATUS_BAD_ID_LENGTH);
    expect<u32>(statusOf("19760309 00000040 61626364")).toBe(STATUS_BAD_ID_LENGTH);
  });

  test("with a length that overflows 32 bits when padding or header are added is bad-id-length", () => {
    for (let i = 0; i < OVERFLOWING.length; i++) {
      query(4);
      setWord(1, OVERFLOWING[i]);
      for (let size: u32 = 8; size <= 16; size++) expect<u32>(parse(SCRATCH, size)).toBe(STATUS_BAD_ID_LENGTH);
    }
  });

  test("without its padding is short", () => {
    expect<u32>(statusOf("19760309 00000001 61")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("19760309 00000001 610000")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("19760309 00000005 61626364 65")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("19760309 00000007 61626364 656667")).toBe(STATUS_SHORT);
  });

  test("may have any bytes as padding", () => {
    expect<u32>(statusOf("19760309 00000001 61ffffff")).toBe(STATUS_QUERY);
  });

  test("with extra bytes at the end is trailing", () => {
    expect<u32>(statusOf("19760309 00000004 61626364 00")).toBe(STATUS_TRAILING);
    expect<u32>(statusOf("19760309 00000003 61626300 00000000")).toBe(STATUS_TRAILING);
    expect<u32>(statusOf("19760309 00000000 00")).toBe(STATUS_TRAILING);
  });

  test("with an empty NodeID is valid here; the engine refuses it", () => {
    expect<u32>(statusOf("19760309 00000000")).toBe(STATUS_QUERY);
  });
});

describe("an announcement", () => {
  test("has no IP, 4 bytes of IP or 16", () => {
    expect<u32>(statusOf("20121025 56080000 00000004 61626364 00000000")).toBe(STATUS_ANNOUNCEMENT);
    expect<u32>(statusOf("20121025 56080000 00000004 61626364 00000004 c0a80001")).toBe(STATUS_ANNOUNCEMENT);
    expect<u32>(statusOf("20121025 56080000 00000004 61626364 00000010 20010db8 00000000 00000000 00000001")).toBe(
      STATUS_ANNOUNCEMENT,
    );
  });

  test("with a NodeID of any length up to 1008 bytes is valid", () => {
    for (let length: u32 = 0; length <= 1008; length++) {
      let good = parse(SCRATCH, announcement(length, 0)) === STATUS_ANNOUNCEMENT;
      good = good && parse(SCRATCH, announcement(length, 4)) === STATUS_ANNOUNCEMENT;
      good = good && parse(SCRATCH, announcement(length, 16)) === STATUS_ANNOUNCEMENT;
      if (!good) expect<u32>(length).toBe(0, "a valid announcement was rejected");
    }
  });

  test("of fewer than 12 bytes is short, if the reserved bits are 0", () => {
    announcement(4, 0);
    for (let size: u32 = 4; size < 12; size++) expect<u32>(parse(SCRATCH, size)).toBe(STATUS_SHORT);
    for (let i = 0; i < OVERFLOWING.length; i++) {
      setWord(2, OVERFLOWING[i]);
      for (let size: u32 = 4; size < 12; size++) expect<u32>(parse(SCRATCH, size)).toBe(STATUS_SHORT);
    }
  });

  test("has 16 reserved bits, each of which must be 0", () => {
    for (let bit: u32 = 0; bit < 16; bit++) {
      const size = announcement(4, 0);
      setWord(1, 0x56080000 | ((<u32>1) << bit));
      expect<u32>(parse(SCRATCH, size)).toBe(STATUS_BAD_RESERVED);
    }
  });

  test("may have any port, including 0 and 65535", () => {
    for (let bit: u32 = 16; bit < 32; bit++) {
      const size = announcement(4, 0);
      setWord(1, (<u32>1) << bit);
      expect<u32>(parse(SCRATCH, size)).toBe(STATUS_ANNOUNCEMENT);
    }
    expect<u32>(statusOf("20121025 00000000 00000000 00000000")).toBe(STATUS_ANNOUNCEMENT);
    expect<u32>(statusOf("20121025 ffff0000 00000000 00000000")).toBe(STATUS_ANNOUNCEMENT);
  });

  test("with a NodeID longer than the rest of the packet is bad-id-length", () => {
    expect<u32>(statusOf("20121025 56080000 00000001")).toBe(STATUS_BAD_ID_LENGTH);
    expect<u32>(statusOf("20121025 56080000 00000005 61626364")).toBe(STATUS_BAD_ID_LENGTH);
    expect<u32>(statusOf("20121025 56080000 00000009 61626364 00000000")).toBe(STATUS_BAD_ID_LENGTH);
  });

  test("with a length that overflows 32 bits when padding or header are added is bad-id-length", () => {
    for (let i = 0; i < OVERFLOWING.length; i++) {
      announcement(4, 0);
      setWord(2, OVERFLOWING[i]);
      for (let size: u32 = 12; size <= 24; size++) expect<u32>(parse(SCRATCH, size)).toBe(STATUS_BAD_ID_LENGTH);
    }
  });

  test("that ends before the length of its IP is short, also within the padding", () => {
    expect<u32>(statusOf("20121025 56080000 00000000")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("20121025 56080000 00000004 61626364")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("20121025 56080000 00000004 61626364 000000")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("20121025 56080000 00000001 61")).toBe(STATUS_SHORT);
    expect<u32>(statusOf("20121025 56080000 00000001 610000 00000000")).toBe(STATUS_SHORT);
  });

  test("with an IP length other than 0, 4 or 16 is bad-ip-length, even if that many bytes follow", () => {
    for (let ipLength: u32 = 1; ipLength <= 64; ipLength++) {
      if (ipLength === 4 || ipLength === 16) continue;
      const size = announcement(5, ipLength);
      expect<u32>(parse(SCRATCH, size)).toBe(STATUS_BAD_IP_LENGTH);
      expect<u32>(parse(SCRATCH, (size + 3) & ~3)).toBe(STATUS_BAD_IP_LENGTH);
    }
  });

  test("with an IP length that overflows 32 bits is bad-ip-length", () => {
    for (let i = 0; i < OVERFLOWING.length; i++) {
      const size = announcement(4, 16);
      setWord(4, OVERFLOWING[i]);
      expect<u32>(parse(SCRATCH, size)).toBe(STATUS_BAD_IP_LENGTH);
      expect<u32>(parse(SCRATCH, size - 16)).toBe(STATUS_BAD_IP_LENGTH);
    }
  });

  test("with fewer bytes of IP than stated is bad-ip-length", () => {
    for (let missing: u32 = 1; missing <= 4; missing++) {
      expect<u32>(parse(SCRATCH, announcement(4, 4) - missing)).toBe(STATUS_BAD_IP_LENGTH);
    }
    for (let missing: u32 = 1; missing <= 16; missing++) {
      expect<u32>(parse(SCRATCH, announcement(4, 16) - missing)).toBe(STATUS_BAD_IP_LENGTH);
    }
  });

  test("with extra bytes at the end is trailing", () => {
    expect<u32>(parse(SCRATCH, announcement(4, 0) + 1)).toBe(STATUS_TRAILING);
    expect<u32>(parse(SCRATCH, announcement(4, 4) + 1)).toBe(STATUS_TRAILING);
    expect<u32>(parse(SCRATCH, announcement(4, 4) + 12)).toBe(STATUS_TRAILING);
    expect<u32>(parse(SCRATCH, announcement(4, 16) + 1)).toBe(STATUS_TRAILING);
  });

  test("is checked field by field: the first wrong field determines the status", () => {
    expect<u32>(statusOf("20121026 56080001 ffffffff")).toBe(STATUS_BAD_MAGIC);
    expect<u32>(statusOf("20121025 56080001")).toBe(STATUS_BAD_RESERVED);
    expect<u32>(statusOf("20121025 56080001 ffffffff")).toBe(STATUS_BAD_RESERVED);
    expect<u32>(statusOf("20121025 56080000 00000005 00000005")).toBe(STATUS_BAD_ID_LENGTH);
    expect<u32>(statusOf("20121025 56080000 00000004 61626364 00000005 00")).toBe(STATUS_BAD_IP_LENGTH);
    expect<u32>(statusOf("20121025 56080000 00000004 61626364 00000003 61626364 00000000")).toBe(STATUS_BAD_IP_LENGTH);
  });

  test("contains its port in the upper half of the word, whatever the reserved bits are", () => {
    putFresh("20121025 56080000");
    expect<u32>(announcedPort(SCRATCH)).toBe(22024);
    putFresh("20121025 ffffffff");
    expect<u32>(announcedPort(SCRATCH)).toBe(65535);
    putFresh("20121025 0000ffff");
    expect<u32>(announcedPort(SCRATCH)).toBe(0);
  });
});

describe("memory after a packet", () => {
  test("does not complete it: no prefix of a packet is a packet", () => {
    let packets: u32 = 0;
    for (let length: u32 = 0; length <= 70; length++) {
      packets += validPrefixes(query(length));
      packets += validPrefixes(announcement(length, 0));
      packets += validPrefixes(announcement(length, 4));
      packets += validPrefixes(announcement(length, 16));
    }
    expect<u32>(packets).toBe(0);
  });

  test("is never read: the status of a truncated packet does not depend on it", () => {
    const size = putFresh("20121025 56080000 00000006 61626364 65660000 00000010 20010db8 00000000 00000000 00000001");
    for (let prefix: u32 = 0; prefix < size; prefix++) {
      putFresh("20121025 56080000 00000006 61626364 65660000 00000010 20010db8 00000000 00000000 00000001");
      const status = parse(SCRATCH, prefix);
      memory.fill(SCRATCH + prefix, FILLER, size);
      expect<u32>(parse(SCRATCH, prefix)).toBe(status);
      memory.fill(SCRATCH + prefix, 0, size);
      expect<u32>(parse(SCRATCH, prefix)).toBe(status);
    }
  });
});

describe("headers", () => {
  test("of an announcement are magic, port and length, and nothing after them is written", () => {
    putFresh("");
    writeAnnouncementHeader(SCRATCH, 0x5608, 0x01020304);
    expect<string>(hexOf(SCRATCH, 16)).toBe("20121025 56080000 01020304 ffffffff");
  });

  test("of a query are magic and length, and nothing after them is written", () => {
    putFresh("");
    writeQueryHeader(SCRATCH, 0x01020304);
    expect<string>(hexOf(SCRATCH, 12)).toBe("19760309 01020304 ffffffff");
  });

  test("with the highest port do not change the reserved bits", () => {
    writeAnnouncementHeader(SCRATCH, 65535, 0);
    expect<u32>(announcedPort(SCRATCH)).toBe(65535);
    expect<u32>(parse(SCRATCH, 16)).toBe(STATUS_BAD_IP_LENGTH);
    setWord(3, 0);
    expect<u32>(parse(SCRATCH, 16)).toBe(STATUS_ANNOUNCEMENT);
  });
});
