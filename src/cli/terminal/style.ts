/** Text for people: NodeIDs without control characters, addresses, ages, colors. */
// The codec itself is not loaded here: every command imports this file.
import { bytesToHex } from "../../codec/hex.ts";

/** Control, format (direction of text, say), private-use and unassigned characters; line and paragraph separators. */
export const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const BLANK_EDGE = /^\p{Zs}|\p{Zs}$/u;
const PRINTABLE_ASCII = /^[!-~]+$/;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A NodeID as text, if it is UTF-8 of which every character is visible; else `undefined`. */
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

/** A NodeID for people: its text, or `0x` and its bytes in hex. */
export function showNodeId(nodeId: Uint8Array): string {
  return nodeIdText(nodeId) ?? `0x${bytesToHex(nodeId)}`;
}

/** The keys of a NodeID in JSON output. `nodeId` is null if the bytes are not printable text. */
export function nodeIdJson(nodeId: Uint8Array): { nodeId: string | null; nodeIdHex: string } {
  return { nodeId: nodeIdText(nodeId) ?? null, nodeIdHex: bytesToHex(nodeId) };
}

/** Untrusted text in one line, with every unprintable character as `\u{…}`. */
export function visible(text: string): string {
  return text.replace(UNPRINTABLE, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

/** `192.0.2.1:22000`, `[2001:db8::1]:22000`. */
export function showAddress({ ip, port }: { readonly ip: string; readonly port: number }): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** An age: `just now`, `12 s ago`, `3 min ago`. Negative ages, after the clock was set back, are `just now`. */
export function showAge(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return "just now";
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

/** Colors and weights, to be applied after padding: control sequences have no width. */
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
export const COLORED: Style = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
};

/** Colors if the stream is a terminal that supports them and NO_COLOR (no-color.org) is not set. */
export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  return stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb" ? COLORED : PLAIN;
}
