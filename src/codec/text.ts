/** Shared by the functions that read text: NodeIDs, IPs and hex. */
import { refuse } from "../xdr/check.ts";

/** Error messages quote at most this many characters of a text. */
const MAX_QUOTED = 60;

export function checkText(text: string): void {
  if (typeof text !== "string") refuse("text", text, "string", "");
}

/** Quotes text as printable ASCII on one line, since control characters from the network must not reach a terminal. */
export function quoted(text: string): string {
  const start = JSON.stringify(text.slice(0, MAX_QUOTED)).replace(/[^ -~]/g, escaped);
  return text.length > MAX_QUOTED ? `${start}… (${text.length} characters)` : start;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
