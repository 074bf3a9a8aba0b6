/** The memory of a packet engine at its defaults, drawn from the header of one: docs/pictures/memory-map.svg. */
import {
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_NEXT,
  ENTRY_PREVIOUS,
  ENTRY_TAG,
  ENTRY_TIME,
  EXCHANGE_ENTRIES,
  H_CAPACITY,
  H_ENTRIES_AT,
  H_EXCHANGE_AT,
  H_INDEX_AT,
  H_INDEX_SLOTS,
  H_LANES,
  H_LANES_AT,
  H_LIMITERS_AT,
  H_SET_MASK,
  H_SHARD_MASK,
  H_SHARDS_AT,
  H_STRIDE,
  HEADER_SIZE,
  INDEX_SIZE,
  LANE_SIZE,
  LIMITS,
  SET_SIZE,
  SHARD_SIZE,
} from "../../assembly/layout.ts";
import { createEngineMemory, defaultEngineOptions } from "../../src/engine/index.ts";
import { SPARE_LANES } from "../../src/server/options.ts";
import { box, picture, text } from "./svg.ts";
import { type Colour, colour } from "./theme.ts";

interface Region {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
  readonly note: string;
  readonly colour: Colour;
}

/** The regions of a memory for one worker, with its spare lanes and the lane of the control thread. */
export function regions(): Region[] {
  const { buffer } = createEngineMemory({ ...defaultEngineOptions(), lanes: 1 + SPARE_LANES + 1 });
  const word = (at: number) => new DataView(buffer).getUint32(at, true);
  const count = (value: number) => value.toLocaleString("en-US");
  const shards = word(H_SHARD_MASK) + 1;
  const sets = word(H_SET_MASK) + 1;
  const stride = word(H_STRIDE);
  const region = (name: string, at: number, bytes: number, note: string, colour: Colour) => ({
    name,
    at,
    bytes,
    note,
    colour,
  });
  return [
    region("header", 0, HEADER_SIZE, "sizes, addresses, limits, hash key", "grey"),
    region(
      "lanes",
      word(H_LANES_AT),
      word(H_LANES) * LANE_SIZE,
      `${word(H_LANES)}: counters, record, 64 slots each`,
      "orange",
    ),
    region(
      "exchange area",
      word(H_EXCHANGE_AT),
      EXCHANGE_ENTRIES * stride,
      `${EXCHANGE_ENTRIES} entries for the journal`,
      "yellow",
    ),
    region("shards", word(H_SHARDS_AT), shards * SHARD_SIZE, `${shards}: lock, sequence counter, queue`, "green"),
    region(
      "limiter tables",
      word(H_LIMITERS_AT),
      LIMITS * sets * SET_SIZE,
      `${LIMITS} of ${count(sets)} sets of 5 slots`,
      "purple",
    ),
    region(
      "index",
      word(H_INDEX_AT),
      shards * word(H_INDEX_SLOTS) * INDEX_SIZE,
      `${count(shards * word(H_INDEX_SLOTS))} slots of ${INDEX_SIZE} bytes`,
      "green",
    ),
    region(
      "entries",
      word(H_ENTRIES_AT),
      (word(H_CAPACITY) + 1) * stride,
      `${count(word(H_CAPACITY))} of ${stride} bytes`,
      "blue",
    ),
  ];
}

const WIDTH = 480;
const BAR = { x: 8, y: 56, width: 56, height: 340 };
const ROW_X = 116;

export function memoryMap(): string {
  const all = regions();
  const total = all.at(-1)!.at + all.at(-1)!.bytes;
  const parts = [
    text(8, 22, `The memory: ${size(total)} for 1,000,000 nodes`, { bold: true }),
    text(8, 42, "left to scale; right in order, with sizes and addresses", { size: 13, fill: "muted" }),
    ...all.flatMap((region, i) => regionParts(region, total, i, all.length)),
    ...entryParts(BAR.y + BAR.height + 28),
  ];
  return picture(
    WIDTH,
    BAR.y + BAR.height + 146,
    "The memory map of the packet engine: header, lanes, exchange area, shards, limiter tables, index, and entries, which take most of it",
    parts,
  );
}

function regionParts(
  { name, at, bytes, note, colour: fill }: Region,
  total: number,
  i: number,
  rows: number,
): string[] {
  const scale = BAR.height / total;
  const top = BAR.y + at * scale;
  const height = Math.max(bytes * scale, 0.5);
  const rowHeight = BAR.height / rows;
  const y = BAR.y + i * rowHeight;
  const middle = y + rowHeight / 2 - 2;
  const points = `${BAR.x + BAR.width},${round(top)} ${BAR.x + BAR.width},${round(top + height)} ${ROW_X},${round(y + rowHeight - 6)} ${ROW_X},${round(y)}`;
  return [
    `<rect x="${BAR.x}" y="${round(top)}" width="${BAR.width}" height="${round(height)}" fill="${colour(fill)}" fill-opacity="0.5"/>`,
    `<polygon points="${points}" fill="${colour(fill)}" fill-opacity="0.1"/>`,
    box(ROW_X, round(y), WIDTH - ROW_X - 8, round(rowHeight - 6), { fill, stroke: fill, strength: 0.14, radius: 6 }),
    text(ROW_X + 12, round(middle - 3), name, { bold: true }),
    text(WIDTH - 18, round(middle - 3), size(bytes), { size: 13, anchor: "end" }),
    text(ROW_X + 12, round(middle + 14), note, { size: 13, fill: "muted" }),
    text(WIDTH - 18, round(middle + 14), `at ${at.toLocaleString("en-US")}`, {
      size: 12,
      fill: "muted",
      anchor: "end",
    }),
  ];
}

/** The fields of an entry before its NodeID, each from its offset to that of the next. */
const ENTRY_FIELDS = [
  ["prev", ENTRY_PREVIOUS],
  ["next", ENTRY_NEXT],
  ["time", ENTRY_TIME],
  ["tag", ENTRY_TAG],
  ["port", ENTRY_META],
  ["address", ENTRY_ADDRESS],
] as const;

function entryParts(y: number): string[] {
  const byte = (WIDTH - 16) / ENTRY_ID;
  const parts = [
    text(8, y, "an entry", { bold: true }),
    text(80, y, "each number is a field's bytes", { size: 13, fill: "muted" }),
  ];
  for (const [i, [name, at]] of ENTRY_FIELDS.entries()) {
    const bytes = (ENTRY_FIELDS[i + 1]?.[1] ?? ENTRY_ID) - at;
    const x = 8 + at * byte;
    const width = bytes * byte - 2;
    parts.push(box(round(x), y + 10, round(width), 40, { fill: "blue", stroke: "blue", strength: 0.14, radius: 4 }));
    parts.push(text(round(x + width / 2), y + 27, name, { size: bytes === 4 ? 12 : 13, anchor: "middle" }));
    parts.push(text(round(x + width / 2), y + 43, `${bytes}`, { size: 12, fill: "muted", anchor: "middle" }));
  }
  parts.push(box(8, y + 54, WIDTH - 18, 40, { fill: "blue", stroke: "blue", strength: 0.14, radius: 4 }));
  parts.push(text(WIDTH / 2, y + 71, "NodeID, padded with zeros", { size: 13, anchor: "middle" }));
  parts.push(
    text(WIDTH / 2, y + 87, `${defaultEngineOptions().maxIdLength}`, { size: 12, fill: "muted", anchor: "middle" }),
  );
  return parts;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** A number of bytes in words, with three digits. */
function size(bytes: number): string {
  for (const [unit, factor] of [
    ["MB", 1e6],
    ["kB", 1e3],
  ] as const) {
    if (bytes >= factor) return `${(bytes / factor).toPrecision(3)} ${unit}`;
  }
  return `${bytes} bytes`;
}
