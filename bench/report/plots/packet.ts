/** The cost of a packet in the codec and in the packet engine, by implementation. */
import type { Colour } from "../../../scripts/pictures/theme.ts";
import { ID_LENGTH } from "../../packets.ts";
import type { Plot } from "../picture.ts";
import type { PacketRun } from "../runs.ts";
import { figure, nodesText } from "../words.ts";
import { type Bar, barsSpec, NAMES } from "./bars.ts";

/** Colours of the implementations of this project. All others are grey. */
const OURS: Readonly<Record<string, Colour>> = { wasm: "blue", ts: "green", "ts twin": "green", auto: "purple" };

const CODEC_PANELS = {
  "decode, announcement": "decode: bytes to an object",
  "encode, announcement": "encode: an object to bytes",
  "decode columns, 64 together, announcement": "decode 64 packets to columns",
  "encode columns, 64 together, announcement": "encode 64 packets from columns",
};

export function codecPlot(run: PacketRun): Plot | undefined {
  const bars = barsOf(run, "codec", CODEC_PANELS);
  if (bars.length === 0) return undefined;
  return {
    name: "bench-codec",
    title: "Cost of a packet in the codec",
    about: "wasm, ts and auto are backends of this codec; grey are other ways to write it.",
    spec: barsSpec(bars, "nanoseconds per packet"),
    left: NAMES,
    origin: run,
    notes: [`Announcements with a NodeID of ${ID_LENGTH} bytes. ${SPREAD}`],
  };
}

const ENGINE_PATHS = {
  hit: "hit: a query that gets a reply",
  miss: "miss: a query for an unknown node",
  announce: "announce: a known node again",
  limited: "limited: over the rate limit, dropped",
};

export function enginePlot(run: PacketRun): Plot | undefined {
  const sizes = run.rows.flatMap(({ suite, what }) =>
    suite === "engine" ? [Number(/(\d+) nodes$/.exec(what)![1])] : [],
  );
  const nodes = Math.min(...sizes);
  const panels = Object.entries(ENGINE_PATHS).map(([path, title]) => [`${path}, batch of 64, ${nodes} nodes`, title]);
  const bars = barsOf(run, "engine", Object.fromEntries(panels));
  if (bars.length === 0) return undefined;
  return {
    name: "bench-engine",
    title: "Cost of a packet in the packet engine",
    about:
      "Decode, limits, registry and reply, without a socket. idiomatic is a server as most people would write it in TypeScript.",
    spec: barsSpec(bars, "nanoseconds per packet"),
    left: NAMES,
    origin: run,
    notes: [`${nodesText(nodes)} nodes, packets in batches of 64. ${SPREAD}`],
  };
}

const SPREAD = "Thin lines: the middle half of the samples.";

function barsOf({ rows }: PacketRun, suite: "codec" | "engine", panels: Readonly<Record<string, string>>): Bar[] {
  return Object.entries(panels).flatMap(([what, panel]) =>
    rows
      .filter((row) => row.suite === suite && row.what === what)
      .map(({ who, ns, spread: [low, high] }) => ({
        ...{ panel, name: who, value: ns, low, high },
        label: figure(ns),
        colour: OURS[who] ?? "grey",
      })),
  );
}
