/**
 * Four datagrams at a time, with SIMD: for the build of the codec that may use it. It recognizes four packets of any type
 * and leaves all else, such as one datagram that is no packet, to the loop of columns.ts, which gives the same result.
 */
import {
  ANNOUNCEMENT_ID,
  ANNOUNCEMENT_MAGIC,
  COLUMN_STATUS,
  QUERY_ID,
  QUERY_MAGIC,
  STATUS_ANNOUNCEMENT,
  STATUS_QUERY,
} from "./layout";

/** Bytes that are read of each datagram at once: its first four words. */
const HEAD: u32 = 16;

/**
 * Decodes the four datagrams of the rows from `row` on, if all are packets, are inside of the room and have HEAD bytes of
 * the room from their start on. Else returns false, without having written anything.
 */
export function decodeFour(room: usize, size: u32, row: usize, width: usize): bool {
  if (size < HEAD) return false;
  const offsets = v128.load(row);
  const lengths = v128.load(row + width);
  const inside = v128.and(
    i32x4.le_u(offsets, i32x4.splat(size - HEAD)),
    i32x4.le_u(lengths, i32x4.sub(i32x4.splat(size), offsets)),
  );
  if (!i32x4.all_true(inside)) return false;

  // The four heads a, b, c and d are turned into vectors of their first words, second words and third words.
  const a = v128.load(room + load<u32>(row));
  const b = v128.load(room + load<u32>(row, 4));
  const c = v128.load(room + load<u32>(row, 8));
  const d = v128.load(room + load<u32>(row, 12));
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const magics = v128.shuffle<i64>(ab, cd, 0, 2);
  const seconds = swapped(v128.shuffle<i64>(ab, cd, 1, 3));
  const to = row + <usize>COLUMN_STATUS * width;
  const zero = i32x4.splat(0);

  const queries = i32x4.eq(magics, i32x4.splat(bswap<u32>(QUERY_MAGIC)));
  if (i32x4.all_true(queries)) {
    const ends = i32x4.add(padded(seconds), i32x4.splat(QUERY_ID));
    const good = v128.and(i32x4.le_u(seconds, lengths), i32x4.eq(ends, lengths));
    if (!i32x4.all_true(good)) return false;
    const ids = i32x4.add(offsets, i32x4.splat(QUERY_ID));
    writeRows(to, width, i32x4.splat(STATUS_QUERY), zero, ids, seconds, zero, zero);
    return true;
  }

  const announcements = i32x4.eq(magics, i32x4.splat(bswap<u32>(ANNOUNCEMENT_MAGIC)));
  const thirds = swapped(
    v128.shuffle<i64>(v128.shuffle<i32>(a, b, 2, 6, 3, 7), v128.shuffle<i32>(c, d, 2, 6, 3, 7), 0, 2),
  );
  const idLengths = v128.bitselect(seconds, thirds, queries);
  const starts = v128.bitselect(i32x4.splat(QUERY_ID), i32x4.splat(ANNOUNCEMENT_ID), queries);
  const ids = i32x4.add(offsets, starts);
  // Of an announcement, the length of the IP comes here. A query must end here, as an announcement 4 bytes later may.
  const ends = i32x4.add(starts, padded(idLengths));
  const ipLengths = i32x4.sub(lengths, i32x4.add(ends, v128.and(announcements, i32x4.splat(4))));
  const isIp = v128.or(i32x4.eq(ipLengths, i32x4.splat(4)), i32x4.eq(ipLengths, i32x4.splat(16)));
  const isEnd = v128.or(i32x4.eq(ipLengths, zero), v128.and(isIp, announcements));
  const isReserved = v128.or(queries, i32x4.eq(i32x4.shl(seconds, 16), zero));
  const known = v128.and(v128.or(queries, announcements), i32x4.le_u(idLengths, lengths));
  if (!i32x4.all_true(v128.and(known, v128.and(isEnd, isReserved)))) return false;

  // A query has no such length: the room's first word is read instead.
  const places = v128.and(i32x4.add(offsets, ends), announcements);
  let wire = v128.load32_zero(room + <u32>i32x4.extract_lane(places, 0));
  wire = v128.load32_lane(room + <u32>i32x4.extract_lane(places, 1), wire, 1);
  wire = v128.load32_lane(room + <u32>i32x4.extract_lane(places, 2), wire, 2);
  wire = v128.load32_lane(room + <u32>i32x4.extract_lane(places, 3), wire, 3);
  const same = v128.or(queries, i32x4.eq(wire, i32x4.shl(ipLengths, 24)));
  if (!i32x4.all_true(same)) return false;
  writeRows(
    to,
    width,
    v128.bitselect(i32x4.splat(STATUS_QUERY), i32x4.splat(STATUS_ANNOUNCEMENT), queries),
    v128.and(i32x4.shr_u(seconds, 16), announcements),
    ids,
    idLengths,
    v128.and(i32x4.add(places, i32x4.splat(4)), announcements),
    ipLengths,
  );
  return true;
}

/** Swaps the bytes of each word. */
function swapped(words: v128): v128 {
  return v128.shuffle<i8>(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

function padded(lengths: v128): v128 {
  return v128.and(i32x4.add(lengths, i32x4.splat(3)), i32x4.splat(-4));
}

function writeRows(
  to: usize,
  width: usize,
  status: v128,
  port: v128,
  id: v128,
  idLength: v128,
  ip: v128,
  ipLength: v128,
): void {
  v128.store(to, status);
  to += width;
  v128.store(to, port);
  to += width;
  v128.store(to, id);
  to += width;
  v128.store(to, idLength);
  to += width;
  v128.store(to, ip);
  to += width;
  v128.store(to, ipLength);
}
