/** Text in columns of a terminal, where some characters take two places and others none. */
import stringWidth from "string-width";

const graphemes = new Intl.Segmenter();

/** Pads text to a width in terminal columns. Longer text is unchanged. */
export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - stringWidth(text)));
}

/** Pads or cuts text to a width. Cut text ends in `…`. */
export function fit(text: string, width: number): string {
  if (width <= 0) return "";
  if (stringWidth(text) <= width) return pad(text, width);
  let cut = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment);
    if (used >= width) break;
    cut += segment;
  }
  return pad(`${cut}…`, width);
}
