/** Both packets, byte by byte: docs/pictures/announcement.svg and query.svg. A row is a word of four bytes. */
import { createCodec, ipFromText, nodeIdFromText, type Packet } from "../../src/codec/index.ts";
import { box, picture, text } from "./svg.ts";
import type { Colour } from "./theme.ts";

/** A field of a packet, in the order of the wire. */
interface Field {
  readonly bytes: number;
  readonly name: string;
  /** The value of its bytes, or what it is for. */
  readonly note: string;
  readonly colour: Colour;
}

const NODE_ID = "hello!";
const PORT = 22000;
const IP = "192.0.2.7";

const MAGIC = (note: string): Field => ({ bytes: 4, name: "magic number", note, colour: "grey" });
const ID: readonly Field[] = [
  { bytes: 4, name: "length of the NodeID", note: `${NODE_ID.length}`, colour: "blue" },
  { bytes: NODE_ID.length, name: "NodeID", note: `"${NODE_ID}"`, colour: "blue" },
  { bytes: 2, name: "padding", note: "to a whole word", colour: "grey" },
];

export function query(): string {
  const bytes = createCodec().encode({ type: "query", nodeId: nodeIdFromText(NODE_ID) });
  return draw(`Query: where is "${NODE_ID}"?`, bytes, [MAGIC("a query"), ...ID]);
}

export function announcement(): string {
  const packet: Packet = { type: "announcement", nodeId: nodeIdFromText(NODE_ID), port: PORT, ip: ipFromText(IP) };
  return draw(`Announcement: "${NODE_ID}" is at ${IP}:${PORT}`, createCodec().encode(packet), [
    MAGIC("an announcement"),
    { bytes: 2, name: "port", note: `${PORT}`, colour: "orange" },
    { bytes: 2, name: "reserved", note: "0", colour: "grey" },
    ...ID,
    { bytes: 4, name: "length of the IP", note: "0, 4 or 16", colour: "green" },
    { bytes: 4, name: "IP", note: IP, colour: "green" },
  ]);
}

const WIDTH = 480;
const LEFT = 40;
const CELL = 44;
const ROW = 34;
const TOP = 44;
const LABEL_X = LEFT + 4 * CELL + 12;
/** How far a second label in a row is from the first one. */
const SECOND_LABEL = 122;

function draw(title: string, bytes: Uint8Array, fields: readonly Field[]): string {
  const parts = [text(8, 22, title, { bold: true })];
  let offset = 0;
  let labelled = -1;
  for (const field of fields) {
    for (let i = 0; i < field.bytes; i++) parts.push(...cell(bytes[offset + i]!, offset + i, field.colour));
    const row = rowAt(offset);
    parts.push(label(field, LABEL_X + (row === labelled ? SECOND_LABEL : 0), row));
    labelled = row;
    offset += field.bytes;
  }
  if (offset !== bytes.length) throw new Error(`the fields of "${title}" have ${offset} bytes, not ${bytes.length}`);
  for (let word = 0; word < offset; word += 4) {
    parts.push(text(LEFT - 10, rowAt(word) + 20, `${word}`, { size: 12, fill: "muted", anchor: "end" }));
  }
  return picture(WIDTH, rowAt(offset) + 8, title, parts);
}

const rowAt = (offset: number): number => TOP + Math.floor(offset / 4) * ROW;

function cell(byte: number, offset: number, colour: Colour): string[] {
  const x = LEFT + (offset % 4) * CELL;
  const y = rowAt(offset);
  const hex = byte.toString(16).padStart(2, "0");
  return [
    box(x, y, CELL - 2, ROW - 4, { fill: colour, stroke: colour, strength: 0.14, radius: 4 }),
    text(x + CELL / 2 - 1, y + 20, hex, { mono: true, anchor: "middle" }),
  ];
}

/** The name and the value of a field, beside its first row. */
function label({ name, note, colour }: Field, x: number, row: number): string {
  const value = text(0, 0, note, { size: 13, fill: colour === "grey" ? "muted" : colour })
    .replace('<text x="0" y="0"', '<tspan dx="7"')
    .replace("</text>", "</tspan>");
  return text(x, row + 20, name).replace("</text>", `${value}</text>`);
}
