/** Text for people: NodeIDs that steer no terminal, addresses, ages, columns, colours. */

/** Control characters, invisible ones, those that turn the direction of text, and what has no agreed meaning. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const BLANK_EDGE = /^\p{Zs}|\p{Zs}$/u;
const PRINTABLE_ASCII = /^[!-~]+$/;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const graphemes = new Intl.Segmenter();

/** The text that a NodeID is, where it is some: UTF-8 of which a reader sees every character. */
export function nodeIdText(nodeId: Uint8Array): string | undefined {
  let text: string;
  try {
    text = strict.decode(nodeId);
  } catch {
    return undefined;
  }
  if (PRINTABLE_ASCII.test(text)) return text;
  return text === "" || text.search(UNPRINTABLE) >= 0 || BLANK_EDGE.test(text) ? undefined : text;
}

/** A NodeID as people read it: its text, or its bytes as 0x and hex. */
export function showNodeId(nodeId: Uint8Array): string {
  return nodeIdText(nodeId) ?? `0x${nodeId.toHex()}`;
}

/** How a line of JSON names a NodeID: `nodeId` is null where the bytes are no text. */
export function nodeIdJson(nodeId: Uint8Array): { nodeId: string | null; nodeIdHex: string } {
  return { nodeId: nodeIdText(nodeId) ?? null, nodeIdHex: nodeId.toHex() };
}

/** Text from elsewhere in one line, every unprintable character as `\u{…}`. */
export function visible(text: string): string {
  return text.replace(UNPRINTABLE, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

/** `192.0.2.1:22000`, `[2001:db8::1]:22000`. */
export function showAddress({ ip, port }: { readonly ip: string; readonly port: number }): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** How long ago: `just now`, `12 s ago`, `3 min ago`. A clock that was set back is no reason for a negative age. */
export function showAge(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return "just now";
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

/** Local time to the second, with its distance from UTC: `2026-01-31T12:00:00+01:00` (RFC 3339). */
export function timeStamp(ms: number): string {
  const east = -new Date(ms).getTimezoneOffset();
  const local = new Date(ms + east * 60_000).toISOString().slice(0, 19);
  const two = (n: number) => `${Math.floor(n)}`.padStart(2, "0");
  return `${local}${east < 0 ? "-" : "+"}${two(Math.abs(east) / 60)}:${two(Math.abs(east) % 60)}`;
}

/** Fills text up to a width in columns of the terminal; what is longer stays. */
export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
}

/** Fills text up to a width, or cuts it there and says so with `…`. */
export function fit(text: string, width: number): string {
  if (width <= 0) return "";
  if (Bun.stringWidth(text) <= width) return pad(text, width);
  let cut = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += Bun.stringWidth(segment);
    if (used >= width) break;
    cut += segment;
  }
  return pad(`${cut}…`, width);
}

/** Colours and weights. To be put around text that has its width already. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

const plain = (text: string) => text;
export const PLAIN: Style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };

const sgr = (on: number, off: number) => (text: string) => `\x1b[${on}m${text}\x1b[${off}m`;
export const COLOURED: Style = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
};

/** Colours on a terminal that has them, unless NO_COLOR is set to something (no-color.org). */
export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  return stream.isTTY && !Bun.env.NO_COLOR && Bun.env.TERM !== "dumb" ? COLOURED : PLAIN;
}
