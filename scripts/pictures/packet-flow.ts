/** How a packet flows through the server: docs/pictures/packet-flow.svg. */
import { arrow, box, picture, text } from "./svg.ts";

const WIDTH = 480;
const MIDDLE = WIDTH / 2 - 9;
/** Where packets go in and replies come out. */
const IN = 84;
const OUT = 378;

/** The steps of the engine, and the verdicts with which a packet may end there. */
const STEPS = [
  { name: "decode", ends: "malformed" },
  { name: "limit", ends: "limited" },
  { name: "registry", ends: "unknown" },
  { name: "reply", ends: "answered" },
] as const;

const TABLES = [
  ["limiter", "who sent how much"],
  ["registry", "which node is where"],
  ["counters", "one per verdict"],
] as const;

export function packetFlow(): string {
  return picture(
    WIDTH,
    650,
    "How a packet flows: from the socket of a worker thread into a slot, through the engine, which decodes, limits, looks up and replies, and back. Limiter, registry and counters are in one shared memory. From there the main thread feeds the journal and the live page",
    [...worker(), ...memory(), ...main(), ...arrows()],
  );
}

function worker(): string[] {
  const parts = [
    box(8, 8, 444, 40, { fill: "none" }),
    text(MIDDLE, 33, "nodes, anywhere on the network", { anchor: "middle", fill: "muted" }),
    text(IN + 14, 76, "where is X?", { size: 13, fill: "blue" }),
    text(OUT - 14, 76, "at 192.0.2.7:22000", { size: 13, fill: "green", anchor: "end" }),
    box(28, 116, 444, 288, { radius: 12 }),
    box(18, 108, 444, 288, { radius: 12 }),
    box(8, 100, 444, 288, { radius: 12 }),
    text(MIDDLE, 127, "worker threads, each with a socket", { size: 13, fill: "muted", anchor: "middle" }),
    box(30, 142, 400, 40, { fill: "none", stroke: "blue" }),
    text(46, 167, "socket", { bold: true }),
    text(414, 167, "udp · mmsg · xdp", { size: 13, fill: "muted", anchor: "end" }),
    text(IN + 14, 202, "receive", { size: 13, fill: "blue" }),
    text(OUT - 14, 202, "send", { size: 13, fill: "green", anchor: "end" }),
    box(30, 214, 400, 40, { fill: "none" }),
    text(46, 239, "64 slots", { bold: true }),
    text(414, 239, "a reply is written over its query", { size: 13, fill: "muted", anchor: "end" }),
    box(30, 286, 400, 86, { fill: "none", stroke: "purple" }),
    text(46, 307, "engine", { bold: true }),
    text(414, 307, "WebAssembly or TypeScript", { size: 13, fill: "muted", anchor: "end" }),
  ];
  for (const [i, { name, ends }] of STEPS.entries()) {
    const x = 42 + i * 98;
    parts.push(box(x, 316, 84, 26, { fill: "purple", stroke: "purple", strength: 0.14, radius: 6 }));
    parts.push(text(x + 42, 334, name, { anchor: "middle" }));
    const isLast = i === STEPS.length - 1;
    parts.push(text(x + 42, 360, ends, { size: 12, fill: isLast ? "green" : "muted", anchor: "middle" }));
    if (!isLast) {
      parts.push(
        arrow(
          [
            [x + 84, 329],
            [x + 95, 329],
          ],
          "purple",
        ),
      );
    }
  }
  return parts;
}

function memory(): string[] {
  const parts = [
    box(8, 430, 464, 92, { radius: 12 }),
    text(24, 512, "one shared memory, fixed size", { size: 13, fill: "muted" }),
  ];
  for (const [i, [name, note]] of TABLES.entries()) {
    const x = 22 + i * 148;
    parts.push(box(x, 442, 140, 50, { fill: "purple", stroke: "purple", strength: 0.14, radius: 6 }));
    parts.push(text(x + 70, 463, name, { bold: true, anchor: "middle" }));
    parts.push(text(x + 70, 481, note, { size: 12, fill: "muted", anchor: "middle" }));
  }
  return parts;
}

function main(): string[] {
  const parts = [
    box(8, 550, 464, 92, { radius: 12 }),
    text(24, 632, "main thread: controls, and handles no packets", { size: 13, fill: "muted" }),
  ];
  const boxes = [
    [22, 288, "journal", "SQLite or Redis: survives a restart"],
    [318, 140, "page, metrics", "for people and tools"],
  ] as const;
  for (const [x, width, name, note] of boxes) {
    parts.push(box(x, 562, width, 50, { fill: "orange", stroke: "orange", strength: 0.14, radius: 6 }));
    parts.push(text(x + width / 2, 583, name, { bold: true, anchor: "middle" }));
    parts.push(text(x + width / 2, 601, note, { size: 12, fill: "muted", anchor: "middle" }));
  }
  return parts;
}

function arrows(): string[] {
  const down = (x: number, from: number, to: number, stroke: "blue" | "purple" | "orange", bothEnds = false) =>
    arrow(
      [
        [x, from],
        [x, to - 2],
      ],
      stroke,
      bothEnds,
    );
  const up = (x: number, from: number, to: number) =>
    arrow(
      [
        [x, from],
        [x, to + 2],
      ],
      "green",
    );
  return [
    down(IN, 48, 142, "blue"),
    down(IN, 182, 214, "blue"),
    down(IN, 254, 286, "blue"),
    up(OUT, 286, 254),
    up(OUT, 214, 182),
    up(OUT, 142, 48),
    down(151, 374, 442, "purple", true),
    down(240, 374, 442, "purple", true),
    down(OUT, 374, 442, "purple"),
    down(285, 494, 562, "orange", true),
    down(388, 494, 562, "orange"),
  ];
}
