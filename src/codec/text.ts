/** What the helpers for texts share. */
import { refuse } from "../xdr/check.ts";

/** How much of a text an error message quotes. */
const QUOTED = 60;

export function checkText(text: string): void {
  if (typeof text !== "string") refuse("text", text, "string", "");
}

/** In printable ASCII and on one line: what a stranger wrote must not steer a terminal. */
export function quoted(text: string): string {
  const start = JSON.stringify(text.slice(0, QUOTED)).replace(/[^ -~]/g, escaped);
  return text.length > QUOTED ? `${start}… (${text.length} characters)` : start;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
