/** Pieces of pictures as SVG text. Coordinates are pixels from the top left corner. */
import { type Colour, colour, FONT, MONO, styleSheet } from "./theme.ts";

export interface TextOptions {
  readonly size?: number;
  readonly fill?: Colour;
  readonly bold?: boolean;
  readonly mono?: boolean;
  readonly anchor?: "start" | "middle" | "end";
}

/** A line of text; `y` is its baseline. */
export function text(x: number, y: number, content: string, options: TextOptions = {}): string {
  const { size = 14, fill = "ink", bold = false, mono = false, anchor = "start" } = options;
  const weight = bold ? ' font-weight="600"' : "";
  const family = mono ? ` font-family="${MONO}"` : "";
  const where = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${colour(fill)}"${weight}${family}${where}>${escaped(content)}</text>`;
}

export interface BoxOptions {
  readonly fill?: Colour | "none";
  readonly stroke?: Colour;
  readonly radius?: number;
  /** How strong `fill` is, from 0 to 1. */
  readonly strength?: number;
  readonly dashed?: boolean;
}

export function box(x: number, y: number, width: number, height: number, options: BoxOptions = {}): string {
  const { fill = "panel", stroke = "line", radius = 8, strength = 1, dashed = false } = options;
  const paint = fill === "none" ? "none" : colour(fill);
  const more = `${strength === 1 ? "" : ` fill-opacity="${strength}"`}${dashed ? ' stroke-dasharray="4 3"' : ""}`;
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${paint}" stroke="${colour(stroke)}"${more}/>`;
}

/** A line along points, with a head at its end. */
export function arrow(points: readonly (readonly [number, number])[], stroke: Colour, bothEnds = false): string {
  const path = points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join("");
  const start = bothEnds ? head(points[0]!, points[1]!, stroke) : "";
  const end = head(points.at(-1)!, points.at(-2)!, stroke);
  return `<path d="${path}" fill="none" stroke="${colour(stroke)}" stroke-width="2" stroke-linejoin="round"/>${start}${end}`;
}

/** A triangle at `tip` that points away from `from`. */
function head([x, y]: readonly [number, number], from: readonly [number, number], fill: Colour): string {
  const angle = (Math.atan2(y - from[1], x - from[0]) * 180) / Math.PI;
  return `<path d="M2 0L-8 5L-8 -5z" transform="translate(${x} ${y}) rotate(${Math.round(angle)})" fill="${colour(fill)}"/>`;
}

/** A whole picture. @param title - what it shows, for those who do not see it */
export function picture(width: number, height: number, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="${FONT}">
<title>${escaped(title)}</title>
${styleSheet()}
${parts.join("\n")}
</svg>
`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
