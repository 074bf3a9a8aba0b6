/** Draws a plot as one SVG file: a title, the plot itself by Vega-Lite, and below it where its figures come from. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { colour, FONT, MONO, styleSheet } from "../../scripts/pictures/theme.ts";
import type { Origin } from "./runs.ts";
import { machineLine } from "./words.ts";

export interface Plot {
  /** Name of the file, without .svg. */
  readonly name: string;
  readonly title: string;
  /** What the plot shows and how to read it: a sentence or two. */
  readonly about: string;
  readonly spec: TopLevelSpec;
  /** Space to the left of the plot, for its labels. */
  readonly left: number;
  readonly origin: Origin;
  /** More about where the figures come from. */
  readonly notes: readonly string[];
}

export interface Picture extends Plot {
  readonly svg: string;
}

/** Width of a picture in its own units. Text of 13 of them can be read on a phone, where the picture is 360 pixels wide. */
const WIDTH = 480;
/** How much larger a picture is on a page that has the room. */
const SCALE = 1.4;
/** Empty space around all. */
const MARGIN = 10;
/** The width that a plot may have: its labels on both sides, and what is between them. */
export const ROOM = WIDTH - 2 * MARGIN;
/** Mean width of a character of its text: Vega cannot measure text without a browser. */
export const CHARACTER_WIDTH = 7;

const text = {
  labelFont: FONT,
  titleFont: FONT,
  labelFontSize: 13,
  titleFontSize: 13,
  titleFontWeight: "normal",
} as const;

const CONFIG = {
  aria: false,
  background: "transparent",
  font: FONT,
  padding: 0,
  view: { stroke: null },
  axis: {
    ...text,
    labelColor: colour("muted"),
    titleColor: colour("muted"),
    gridColor: colour("line"),
    domain: false,
    ticks: false,
    labelPadding: 6,
    titlePadding: 8,
  },
  axisY: { labelLimit: 0 },
  title: { font: FONT, fontSize: 13, fontWeight: "bold", color: colour("ink"), anchor: "start", frame: "group" },
  text: { font: FONT, fontSize: 13, fill: colour("ink") },
  rule: { stroke: colour("ink") },
} satisfies TopLevelSpec["config"];

export async function draw(plot: Plot): Promise<Picture> {
  const { spec } = compile({ ...plot.spec, config: CONFIG });
  const drawn = await new View(parse(spec), { renderer: "none" }).toSVG();
  const [, height, inner] = /^<svg[^>]* height="([\d.]+)"[^>]*>(.*)<\/svg>$/s.exec(drawn)!;
  // Vega puts a plot as far to the right as it thinks that its labels are wide.
  const placed = inner!.replace(/translate\([\d.]+,/, `translate(${plot.left},`);
  return { ...plot, svg: frame(plot, Number(height), placed) };
}

const LINE = { title: 22, about: 18, notes: 15 } as const;

function frame({ title, about, origin, notes }: Plot, height: number, inner: string): string {
  let y = MARGIN;
  const lines = (words: readonly string[], kind: keyof typeof LINE) =>
    words.map((line) => {
      y += LINE[kind];
      return `<text class="${kind}" x="${MARGIN}" y="${y - 5}">${escapeXml(line)}</text>`;
    });
  const top = [...lines(wrapped(title, 16, "bold"), "title"), ...lines(wrapped(about, 13), "about")];
  y += MARGIN;
  const plot = `<g transform="translate(${MARGIN},${y})">${inner}</g>`;
  y += Math.ceil(height) + MARGIN;
  const bottom = [...notes, machineLine(origin)].flatMap((note) => lines(wrapped(note, 11), "notes"));
  const command = wrapped(origin.command, 11, "mono").map((line) => {
    y += LINE.notes;
    return `<text class="notes command" x="${MARGIN}" y="${y - 5}">${escapeXml(line)}</text>`;
  });
  y += MARGIN;
  const style = [
    `text{font-family:${FONT}}`,
    `.title{font-size:16px;font-weight:600;fill:${colour("ink")}}`,
    `.about{font-size:13px;fill:${colour("muted")}}`,
    `.notes{font-size:11px;fill:${colour("muted")}}`,
    `.command{font-family:${MONO}}`,
  ].join("");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" class="plot" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH * SCALE}" height="${y * SCALE}">`,
    `<title>${escapeXml(`${title}. ${about}`)}</title>`,
    styleSheet(),
    `<style>${style.replaceAll(/(^|\})(text|\.)/g, "$1.plot $2")}</style>`,
    ...top,
    plot,
    ...bottom,
    ...command,
    "</svg>\n",
  ].join("\n");
}

/** Width of a character, in times of the font size. */
const CHARACTER = { normal: 0.5, bold: 0.54, mono: 0.61 } as const;

/** Breaks text into lines that fit into a picture. */
function wrapped(words: string, size: number, weight: keyof typeof CHARACTER = "normal"): string[] {
  const most = Math.floor((WIDTH - 2 * MARGIN) / (size * CHARACTER[weight]));
  const lines: string[] = [];
  for (const word of words.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function escapeXml(plain: string): string {
  return plain.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
