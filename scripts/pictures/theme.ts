/**
 * The colours of all pictures in docs/, in light and in dark. A picture is one SVG file: it names a colour as `var(--ink)`, and its
 * style sheet says what that is on a light and on a dark page.
 */

/** The fonts of text in pictures: no page loads a font from elsewhere. */
export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";
export const MONO = "ui-monospace, SFMono-Regular, Menlo, 'Liberation Mono', monospace";

/** Text and lines, from strong to faint; then six colours that are told apart, also by people who see red and green alike. */
const COLOURS = {
  ink: ["#1f2328", "#e6edf3"],
  muted: ["#59636e", "#9198a1"],
  line: ["#d1d9e0", "#3d444d"],
  panel: ["#f6f8fa", "#161b22"],
  blue: ["#0969da", "#4493f8"],
  orange: ["#bc4c00", "#f0883e"],
  green: ["#1a7f5a", "#3fb98a"],
  purple: ["#8250df", "#ab7df8"],
  yellow: ["#9a6700", "#d29922"],
  grey: ["#818b98", "#656c76"],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

export type Colour = keyof typeof COLOURS;

/** A colour as the value of an SVG attribute: `fill="var(--ink)"`. */
export const colour = (name: Colour): string => `var(--${name})`;

/** The style sheet that every picture has. */
export function styleSheet(): string {
  const values = (scheme: 0 | 1) =>
    Object.entries(COLOURS)
      .map(([name, pair]) => `--${name}:${pair[scheme]}`)
      .join(";");
  return `<style>:root{${values(0)}}@media (prefers-color-scheme: dark){:root{${values(1)}}}</style>`;
}
