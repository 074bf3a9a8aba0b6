import {
  ALLOWED_SIZE,
  H_ALLOWED,
  H_ALLOWED_AT,
  H_LIMITERS_AT,
  LIMIT_ANNOUNCEMENTS,
  LIMIT_NEW,
  LIMIT_NODE,
  LIMIT_QUERIES,
  LIMIT_RESERVE,
  LIMIT_SHARED,
  LIMITS,
  SET_SIZE,
} from "../../assembly/layout";
import { allowed, passNode, passSource, setSource } from "../../assembly/limiter";
import { flip, ipv4, ipv6, put, useId } from "./support/bytes";
import { checksum, layOut, limitNew, limitNodes, limitSources, SCRATCH, setLimit } from "./support/memory";

const ADDRESS: usize = SCRATCH;
/** A time in 2025. A rate of 10 per second is an interval of 100 ms. */
const NOW: f64 = 1760000000000;
const RATE: f64 = 10;
const INTERVAL: f64 = 100;
const BURST: u32 = 5;
const SETS: u32 = 64;

/** How many of `tries` queries of one source for NodeID `n` pass at `now`. */
function nodes(n: u32, now: f64, tries: u32): u32 {
  return nodesFrom(ipv4(ADDRESS, 192, 0, 2, 1), n, now, tries);
}

/** The same for the source at `address`. */
function nodesFrom(address: usize, n: u32, now: f64, tries: u32): u32 {
  let passed: u32 = 0;
  setSource(address);
  useId(n);
  for (; tries !== 0; tries--) if (passNode(now)) passed++;
  return passed;
}

/** How many of `tries` packets from the source at `address` pass at `now`. */
function sources(address: usize, now: f64, tries: u32): u32 {
  let passed: u32 = 0;
  setSource(address);
  for (; tries !== 0; tries--) if (passSource(LIMIT_QUERIES, now)) passed++;
  return passed;
}

function tables(): u64 {
  const from: usize = load<u32>(H_LIMITERS_AT);
  return checksum(from, from + LIMITS * SETS * SET_SIZE);
}

describe("a limit (GCRA)", () => {
  beforeEach(() => {
    layOut(1, 64, 1, 8, SETS);
    limitNodes(RATE, BURST);
  });

  test("lets exactly its burst pass at once", () => {
    expect<u32>(nodes(1, NOW, 100)).toBe(BURST);
  });

  test("lets one more packet pass after an interval, and not a millisecond earlier", () => {
    nodes(1, NOW, BURST);
    expect<u32>(nodes(1, NOW + INTERVAL - 1, 10)).toBe(0);
    expect<u32>(nodes(1, NOW + INTERVAL, 10)).toBe(1);
    expect<u32>(nodes(1, NOW + 2 * INTERVAL - 1, 10)).toBe(0);
    expect<u32>(nodes(1, NOW + 3 * INTERVAL, 10)).toBe(2);
  });

  test("lets a full burst pass after the time of a burst, and no more after a year", () => {
    nodes(1, NOW, BURST);
    expect<u32>(nodes(1, NOW + BURST * INTERVAL, 100)).toBe(BURST);
    expect<u32>(nodes(1, NOW + 365 * 86400000.0, 100)).toBe(BURST);
  });

  test("passes a steady stream at its rate indefinitely", () => {
    let passed: u32 = 0;
    for (let i = 0; i < 1000; i++) passed += nodes(1, NOW + i * INTERVAL, 1);
    expect<u32>(passed).toBe(1000);
  });

  test("passes half of a stream at twice its rate, plus the burst", () => {
    let passed: u32 = 0;
    for (let i = 0; i < 1000; i++) passed += nodes(1, NOW + i * (INTERVAL / 2), 1);
    expect<u32>(passed).toBe(500 + BURST - 1);
  });

  test("does not charge dropped packets, so retrying does not prolong the wait", () => {
    nodes(1, NOW, BURST);
    for (let i = 0; i < 100; i++) nodes(1, NOW + i * 0.99, 10);
    expect<u32>(nodes(1, NOW + INTERVAL, 1)).toBe(1);
  });

  test("with a burst of 1 passes one packet per interval", () => {
    limitNodes(RATE, 1);
    expect<u32>(nodes(1, NOW, 10)).toBe(1);
    expect<u32>(nodes(1, NOW + INTERVAL - 1, 10)).toBe(0);
    expect<u32>(nodes(1, NOW + INTERVAL, 10)).toBe(1);
  });

  test("with rate 0 passes everything and writes nothing", () => {
    limitNodes(0, 1);
    const before = tables();
    expect<u32>(nodes(1, NOW, 10000)).toBe(10000);
    limitSources(0, 1);
    expect<u32>(sources(ipv4(ADDRESS, 10, 0, 0, 1), NOW, 10000)).toBe(10000);
    expect<u64>(tables()).toBe(before);
  });

  test("counts each key separately, and each limit in its own table", () => {
    limitNew(RATE, 2);
    limitSources(RATE, 3);
    expect<u32>(nodes(1, NOW, 10)).toBe(BURST);
    expect<u32>(nodes(2, NOW, 10)).toBe(BURST);
    expect<u32>(sources(ipv4(ADDRESS, 192, 0, 2, 1), NOW, 10)).toBe(3);
    let announcements: u32 = 0;
    let fresh: u32 = 0;
    for (let i = 0; i < 10; i++) {
      if (passSource(LIMIT_ANNOUNCEMENTS, NOW)) announcements++;
      if (passSource(LIMIT_NEW, NOW)) fresh++;
    }
    expect<u32>(announcements).toBe(3);
    expect<u32>(fresh).toBe(2);
  });

  test("stays within its table: the last set of the last limit is the end of the tables", () => {
    const end: usize = load<u32>(H_LIMITERS_AT) + LIMITS * SETS * SET_SIZE;
    const first = end - (LIMITS - LIMIT_NODE) * SETS * SET_SIZE;
    // The second query for each NodeID is left to the reserve, whose table is the last.
    setLimit(LIMIT_NODE + LIMIT_SHARED, RATE, 1);
    const below = checksum(0, first);
    const above = checksum(end, SCRATCH);
    for (let n: u32 = 0; n < 1000; n++) nodes(n, NOW, 2);
    expect<u64>(checksum(0, first)).toBe(below);
    expect<u64>(checksum(end, SCRATCH)).toBe(above);
    expect<u64>(load<u64>(end - SET_SIZE)).not.toBe(0);
  });
});

describe("a bucket", () => {
  beforeEach(() => {
    layOut(1, 64, 1, 8, SETS);
    limitNodes(RATE, BURST);
  });

  test("that is fuller than packets can make it counts as empty", () => {
    nodes(1, NOW, BURST);
    expect<u32>(nodes(1, NOW - 86400000, 10)).toBe(BURST);
    expect<u32>(nodes(1, NOW - 86400000, 10)).toBe(0);
  });

  test("that is ahead because two threads read the clock at different moments stays as full as it is", () => {
    nodes(1, NOW, 2);
    expect<u32>(nodes(1, NOW - 50, 10)).toBe(2);
    expect<u32>(nodes(1, NOW + 50, 10)).toBe(1);
  });

  test("is not changed when it is exactly full", () => {
    nodes(1, NOW, BURST);
    const before = tables();
    nodes(1, NOW, 10);
    expect<u64>(tables()).toBe(before);
  });
});

describe("a set of five", () => {
  beforeEach(() => {
    // With only one set, all keys share it.
    layOut(1, 64, 1, 8, 1);
    limitNodes(RATE, BURST);
  });

  test("has room for five keys, each with its own burst", () => {
    for (let n: u32 = 1; n <= 5; n++) expect<u32>(nodes(n, NOW, 10)).toBe(BURST);
    for (let n: u32 = 1; n <= 5; n++) expect<u32>(nodes(n, NOW, 10)).toBe(0);
  });

  test("gives a new key the load of the least-loaded key, not a fresh burst", () => {
    for (let n: u32 = 1; n <= 5; n++) nodes(n, NOW, n === 3 ? 2 : 4);
    expect<u32>(nodes(6, NOW, 10)).toBe(BURST - 2);
  });

  test("replaces the least-loaded key in any of its slots, including the first and the last", () => {
    for (let light: u32 = 1; light <= 5; light++) {
      layOut(1, 64, 1, 8, 1);
      limitNodes(RATE, BURST);
      for (let n: u32 = 1; n <= 5; n++) nodes(n, NOW, n === light ? 1 : 3);
      nodes(6, NOW, BURST);
      for (let n: u32 = 1; n <= 5; n++) {
        // The other keys keep their slots and have two packets left. The replaced key would take over a loaded slot.
        if (n !== light) expect<u32>(nodes(n, NOW, 10)).toBe(2);
      }
      expect<u32>(nodes(6, NOW, 10)).toBe(0);
    }
  });

  test("keeps an offender through a flood of invented keys", () => {
    nodes(1, NOW, 10);
    for (let n: u32 = 100; n < 1100; n++) nodes(n, NOW, 1);
    expect<u32>(nodes(1, NOW + INTERVAL - 1, 10)).toBe(0);
    expect<u32>(nodes(1, NOW + INTERVAL, 10)).toBe(1);
  });

  test("passes at most five bursts for any number of invented keys", () => {
    let passed: u32 = 0;
    for (let n: u32 = 0; n < 1000; n++) passed += nodes(n, NOW, 3);
    expect<u32>(passed).toBe(5 * BURST);
  });

  test("keeps charging a new key in the slot that it took over", () => {
    for (let n: u32 = 1; n <= 5; n++) nodes(n, NOW, 1);
    nodes(6, NOW, 2);
    expect<u32>(nodes(6, NOW, 10)).toBe(BURST - 3);
    expect<u32>(nodes(6, NOW, 10)).toBe(0);
  });
});

describe("the limit on sources", () => {
  beforeEach(() => {
    layOut(1, 64, 1, 8, SETS);
    limitSources(RATE, BURST);
  });

  test("gives an IPv4 host its burst", () => {
    expect<u32>(sources(ipv4(ADDRESS, 192, 168, 0, 1), NOW, 100)).toBe(BURST);
    expect<u32>(sources(ipv4(ADDRESS, 192, 168, 0, 2), NOW, 100)).toBe(BURST);
    expect<u32>(sources(ipv4(ADDRESS, 192, 168, 0, 1), NOW + INTERVAL, 100)).toBe(1);
  });

  test("gives an IPv4 /24 32 bursts, whichever of its hosts send", () => {
    let passed: u32 = 0;
    for (let host: u32 = 0; host < 256; host++) passed += sources(ipv4(ADDRESS, 192, 168, 0, host), NOW, BURST);
    // And what the reserves of its hosts add: as much as the limit allows in a second.
    expect<u32>(passed).toBe(32 * BURST + 32 * <u32>RATE);
    expect<u32>(sources(ipv4(ADDRESS, 192, 168, 1, 255), NOW, BURST)).toBe(BURST);
    expect<u32>(sources(ipv4(ADDRESS, 192, 169, 0, 255), NOW, BURST)).toBe(BURST);
    expect<u32>(sources(ipv4(ADDRESS, 193, 168, 0, 255), NOW, BURST)).toBe(BURST);
  });

  test("treats an IPv6 /64 as one host", () => {
    let passed: u32 = 0;
    for (let host: u16 = 0; host < 100; host++) passed += sources(ipv6(ADDRESS, 1, 1, host), NOW, 1);
    expect<u32>(passed).toBe(BURST);
    expect<u32>(sources(ipv6(ADDRESS, 1, 2, 0), NOW, 100)).toBe(BURST);
  });

  test("gives an IPv6 /48 32 bursts", () => {
    let passed: u32 = 0;
    for (let net: u16 = 0; net < 100; net++) passed += sources(ipv6(ADDRESS, 1, net, 1), NOW, BURST);
    expect<u32>(passed).toBe(32 * BURST + 32 * <u32>RATE);
    expect<u32>(sources(ipv6(ADDRESS, 2, 99, 1), NOW, BURST)).toBe(BURST);
  });

  test("treats only IPv4-mapped addresses as IPv4, not similar ones", () => {
    // ::10.0.0.x, ::fffe:10.0.0.x and 1::ffff:10.0.0.x are IPv6 addresses, each in one /64.
    const strangers: string[] = [
      "00000000 00000000 00000000 0a0000",
      "00000000 00000000 0000fffe 0a0000",
      "00000000 00000000 0001ffff 0a0000",
      "00010000 00000000 0000ffff 0a0000",
      "00000000 00000001 0000ffff 0a0000",
    ];
    for (let i = 0; i < strangers.length; i++) {
      layOut(1, 64, 1, 8, SETS);
      limitSources(RATE, BURST);
      let passed: u32 = 0;
      for (let host: u8 = 1; host < 100; host++) {
        put(ADDRESS, strangers[i]);
        store<u8>(ADDRESS + 15, host);
        passed += sources(ADDRESS, NOW, 1);
      }
      expect<u32>(passed).toBe(BURST, strangers[i]);
    }
    let passed: u32 = 0;
    for (let host: u8 = 1; host < 100; host++) {
      put(ADDRESS, "00000000 00000000 0000ffff 0a0000");
      store<u8>(ADDRESS + 15, host);
      passed += sources(ADDRESS, NOW, 1);
    }
    expect<u32>(passed).toBe(99);
  });

  test("charges neither the host if its network is over the limit, nor the network if the host is", () => {
    // At this rate the reserve adds nothing.
    setLimit(LIMIT_QUERIES + LIMIT_SHARED, 0.001, BURST + 1);
    expect<u32>(sources(ipv4(ADDRESS, 10, 0, 0, 1), NOW, 100)).toBe(BURST);
    // If the limited host had charged its network, the network would have nothing left.
    expect<u32>(sources(ipv4(ADDRESS, 10, 0, 0, 2), NOW, 100)).toBe(1);
    // If the limited network had charged the second host, the host could not send its other four packets now.
    setLimit(LIMIT_QUERIES + LIMIT_SHARED, RATE, 1000);
    expect<u32>(sources(ipv4(ADDRESS, 10, 0, 0, 2), NOW, 100)).toBe(BURST - 1);
  });

  test("has a separate bucket for each host of a /24", () => {
    layOut(1, 64, 1, 8, 512);
    setLimit(LIMIT_QUERIES, RATE, 1);
    setLimit(LIMIT_QUERIES + LIMIT_SHARED, RATE, 1000);
    let first: u32 = 0;
    let second: u32 = 0;
    for (let host: u32 = 0; host < 256; host++) first += sources(ipv4(ADDRESS, 10, 0, 0, host), NOW, 1);
    for (let host: u32 = 0; host < 256; host++) second += sources(ipv4(ADDRESS, 10, 0, 0, host), NOW, 1);
    expect<u32>(first).toBe(256);
    expect<u32>(second).toBe(0);
  });

  test("has a separate bucket for each /64 of a /48", () => {
    layOut(1, 64, 1, 8, 512);
    setLimit(LIMIT_QUERIES, RATE, 1);
    setLimit(LIMIT_QUERIES + LIMIT_SHARED + 1, RATE, 1000);
    let first: u32 = 0;
    let second: u32 = 0;
    for (let net: u32 = 0; net < 256; net++) first += sources(ipv6(ADDRESS, 9, <u16>(net * 257), 1), NOW, 1);
    for (let net: u32 = 0; net < 256; net++) second += sources(ipv6(ADDRESS, 9, <u16>(net * 257), 1), NOW, 1);
    expect<u32>(first).toBe(256);
    expect<u32>(second).toBe(0);
  });

  test("distinguishes hosts and networks by each bit of their prefix, and by no other bit", () => {
    // The host part is the last byte in IPv4, and bytes 6 and 7 in IPv6. Later bytes of IPv6 are ignored.
    let wrong: u32 = 0;
    for (let bit: u32 = 0; bit < 128; bit++) {
      if (isOther("20010db8 00070000 00000000 00000001", bit, LIMIT_QUERIES) !== bit < 64) wrong++;
      if (isOther("20010db8 00070000 00000000 00000001", bit, LIMIT_QUERIES + LIMIT_SHARED + 1) !== bit < 48) wrong++;
    }
    for (let bit: u32 = 96; bit < 128; bit++) {
      if (!isOther("00000000 00000000 0000ffff 0a000001", bit, LIMIT_QUERIES)) wrong++;
      if (isOther("00000000 00000000 0000ffff 0a000001", bit, LIMIT_QUERIES + LIMIT_SHARED) !== bit < 120) wrong++;
    }
    expect<u32>(wrong).toBe(0);
  });

  test("has a separate bucket for each of many networks", () => {
    setLimit(LIMIT_QUERIES, RATE, 1000);
    setLimit(LIMIT_QUERIES + LIMIT_SHARED, 0.001, 1);
    let first: u32 = 0;
    let second: u32 = 0;
    for (let net: u32 = 0; net < 64; net++) first += sources(ipv4(ADDRESS, 10, 0, net, 1), NOW, 1);
    for (let net: u32 = 0; net < 64; net++) second += sources(ipv4(ADDRESS, 10, 0, net, 2), NOW, 1);
    expect<u32>(first).toBe(64);
    expect<u32>(second).toBe(0);
  });
});

describe("a limit that sources share", () => {
  beforeEach(() => {
    layOut(1, 64, 1, 8, SETS);
    limitSources(1000, 1000);
    // Nothing is left of it after 100 packets. The reserves may exceed it by 10 packets, one second's worth.
    setLimit(LIMIT_QUERIES + LIMIT_SHARED, RATE, 100);
    setLimit(LIMIT_QUERIES + LIMIT_RESERVE, 1, 5);
  });

  test("leaves a source its reserve when others have used it up: five packets, then one a second", () => {
    expect<u32>(sources(ipv4(ADDRESS, 10, 0, 0, 1), NOW, 1000)).toBe(100 + 5);
    expect<u32>(sources(ipv4(ADDRESS, 10, 0, 0, 2), NOW, 1000)).toBe(5);
    // The one that sent most gets nothing of what is free again, as long as the reserves use it.
    expect<u32>(sources(ipv4(ADDRESS, 10, 0, 0, 1), NOW + 999, 1000)).toBe(0);
    expect<u32>(sources(ipv4(ADDRESS, 10, 0, 0, 1), NOW + 1000, 1000)).toBe(1);
    expect<u32>(sources(ipv4(ADDRESS, 10, 0, 0, 2), NOW + 1000, 1000)).toBe(1);
  });

  test("is exceeded by the reserves by one second's worth, however many sources there are", () => {
    let passed: u32 = 0;
    for (let host: u32 = 0; host < 256; host++) passed += sources(ipv4(ADDRESS, 10, 0, 0, host), NOW, 100);
    expect<u32>(passed).toBe(100 + 10);
    for (let second: u32 = 1; second <= 60; second++) {
      for (let host: u32 = 0; host < 256; host++) {
        passed += sources(ipv4(ADDRESS, 10, 0, 0, host), NOW + second * 1000, 100);
      }
    }
    expect<u32>(passed).toBe(100 + 10 + 60 * 10);
  });

  test("lets one packet a second of a source pass beside many that send all they can", () => {
    setLimit(LIMIT_QUERIES + LIMIT_SHARED, 1000, 1000);
    let passed: u32 = 0;
    for (let tenth: u32 = 0; tenth < 600; tenth++) {
      const now = NOW + tenth * 100;
      for (let host: u32 = 1; host <= 60; host++) sources(ipv4(ADDRESS, 10, 0, 0, host), now, 100);
      if (tenth % 10 === 0) passed += sources(ipv4(ADDRESS, 10, 0, 0, 99), now, 1);
    }
    expect<u32>(passed).toBe(60);
  });
});

describe("the limit on a NodeID", () => {
  beforeEach(() => {
    layOut(1, 64, 1, 8, SETS);
    limitNodes(RATE, BURST);
  });

  test("is apart for each source", () => {
    expect<u32>(nodesFrom(ipv4(ADDRESS, 10, 0, 0, 1), 1, NOW, 100)).toBe(BURST);
    expect<u32>(nodesFrom(ipv4(ADDRESS, 10, 0, 0, 2), 1, NOW, 100)).toBe(BURST);
    expect<u32>(nodesFrom(ipv6(ADDRESS, 1, 1, 1), 1, NOW, 100)).toBe(BURST);
    expect<u32>(nodesFrom(ipv6(ADDRESS, 1, 2, 1), 1, NOW, 100)).toBe(BURST);
    expect<u32>(nodesFrom(ipv6(ADDRESS, 1, 2, 2), 1, NOW, 100)).toBe(0);
    expect<u32>(nodesFrom(ipv4(ADDRESS, 10, 0, 0, 1), 2, NOW, 100)).toBe(BURST);
  });

  test("is one for all sources together, and each keeps its reserve", () => {
    let passed: u32 = 0;
    for (let host: u32 = 0; host < 100; host++) passed += nodesFrom(ipv4(ADDRESS, 10, host, 0, 1), 1, NOW, BURST);
    // 32 bursts, then the reserves: as much as the limit allows in a second.
    expect<u32>(passed).toBe(32 * BURST + 32 * <u32>RATE);
    expect<u32>(nodesFrom(ipv4(ADDRESS, 10, 200, 0, 1), 2, NOW, 100)).toBe(BURST);
  });
});

/** Whether the source that differs in bit `bit` has its own bucket, tested with `limit` alone and one set. */
function isOther(address: string, bit: u32, limit: u32): bool {
  layOut(1, 64, 1, 8, 1);
  limitSources(RATE, 1000);
  // At this rate the reserve adds nothing.
  setLimit(limit, 0.001, 1);
  put(ADDRESS, address);
  sources(ADDRESS, NOW, 1);
  flip(ADDRESS, bit);
  return sources(ADDRESS, NOW, 1) === 1;
}

describe("exempt networks", () => {
  beforeEach(() => {
    layOut(1, 64, 1, 8, SETS);
  });

  /** 10.1.0.0/16 and 2001:db8:7::/48, in the format that src/engine/memory.ts writes. */
  test("contain what their prefix covers and nothing else", () => {
    allow("00000000 00000000 0000ffff 0a010000", "ffffffff ffffffff ffffffff ffff0000");
    allow("20010db8 00070000 00000000 00000000", "ffffffff ffff0000 00000000 00000000");
    expect<bool>(allowed(ipv4(ADDRESS, 10, 1, 0, 0))).toBe(true);
    expect<bool>(allowed(ipv4(ADDRESS, 10, 1, 255, 255))).toBe(true);
    expect<bool>(allowed(ipv4(ADDRESS, 10, 0, 255, 255))).toBe(false);
    expect<bool>(allowed(ipv4(ADDRESS, 10, 2, 0, 0))).toBe(false);
    expect<bool>(allowed(ipv6(ADDRESS, 7, 0, 0))).toBe(true);
    expect<bool>(allowed(ipv6(ADDRESS, 7, 0xffff, 0xffff))).toBe(true);
    expect<bool>(allowed(ipv6(ADDRESS, 6, 0, 0))).toBe(false);
    expect<bool>(allowed(ipv6(ADDRESS, 8, 0, 0))).toBe(false);
  });

  test("are none at first: memory after the last network is not read", () => {
    allow("00000000 00000000 00000000 00000000", "00000000 00000000 00000000 00000000");
    expect<bool>(allowed(ipv4(ADDRESS, 10, 1, 0, 0))).toBe(true);
    store<u32>(H_ALLOWED, 0);
    expect<bool>(allowed(ipv4(ADDRESS, 10, 1, 0, 0))).toBe(false);
  });

  test("are compared in all four words", () => {
    allow("11111111 22222222 33333333 44444444", "ffffffff ffffffff ffffffff ffffffff");
    put(ADDRESS, "11111111 22222222 33333333 44444444");
    expect<bool>(allowed(ADDRESS)).toBe(true);
    let wrong: u32 = 0;
    for (let bit: u32 = 0; bit < 128; bit++) {
      flip(ADDRESS, bit);
      if (allowed(ADDRESS)) wrong++;
      flip(ADDRESS, bit);
    }
    expect<u32>(wrong).toBe(0);
  });

  test("may have any prefix length: its bits must match, the others are ignored", () => {
    let wrong: u32 = 0;
    for (let prefix: u32 = 0; prefix <= 128; prefix++) {
      store<u32>(H_ALLOWED, 0);
      allow("a5a5a5a5 5a5a5a5a a5a55a5a 5a5aa5a5", "00000000 00000000 00000000 00000000");
      const network: usize = load<u32>(H_ALLOWED_AT);
      for (let bit: u32 = 0; bit < prefix; bit++) flip(network + 16, bit);
      for (let byte: u32 = 0; byte < 16; byte++) {
        store<u8>(network + byte, load<u8>(network + byte) & load<u8>(network + 16 + byte));
      }
      put(ADDRESS, "a5a5a5a5 5a5a5a5a a5a55a5a 5a5aa5a5");
      for (let bit: u32 = 0; bit < 128; bit++) {
        flip(ADDRESS, bit);
        if (allowed(ADDRESS) !== bit >= prefix) wrong++;
        flip(ADDRESS, bit);
      }
    }
    expect<u32>(wrong).toBe(0);
  });

  test("may be a single host, and there may be several", () => {
    allow("00000000 00000000 0000ffff 0a000001", "ffffffff ffffffff ffffffff ffffffff");
    allow("00000000 00000000 0000ffff 0a000002", "ffffffff ffffffff ffffffff ffffffff");
    allow("00000000 00000000 0000ffff 0a000003", "ffffffff ffffffff ffffffff ffffffff");
    expect<bool>(allowed(ipv4(ADDRESS, 10, 0, 0, 0))).toBe(false);
    expect<bool>(allowed(ipv4(ADDRESS, 10, 0, 0, 1))).toBe(true);
    expect<bool>(allowed(ipv4(ADDRESS, 10, 0, 0, 2))).toBe(true);
    expect<bool>(allowed(ipv4(ADDRESS, 10, 0, 0, 3))).toBe(true);
    expect<bool>(allowed(ipv4(ADDRESS, 10, 0, 0, 4))).toBe(false);
  });
});

function allow(network: string, mask: string): void {
  const count = load<u32>(H_ALLOWED);
  const at: usize = load<u32>(H_ALLOWED_AT) + count * ALLOWED_SIZE;
  put(at, network);
  put(at + 16, mask);
  store<u32>(H_ALLOWED, count + 1);
}
