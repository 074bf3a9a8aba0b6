/** Numbers, times and strangers' text as people read them. Pure functions, without the DOM. */
import type { NodeIdReply } from "../api.ts";

/** Between groups of three digits: a narrow space that does not break. */
const GROUP = "\u202f";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Control, format (direction of text, say), private-use and unassigned characters; line and paragraph separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
/** Spaces that are not seen at an edge, or that look like another one. */
const ODD_SPACE = /^ | $|(?! )\p{Zs}/gu;

/** An integer: `1 234 567`. */
export function count(n: number): string {
  return whole.format(n).replaceAll(",", GROUP);
}

/** A number and its noun: `1 node`, `2 nodes`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A number per second. Small ones have a decimal: `0`, `<0.1`, `0.3`, `9.8`, `10`, `1 234`. */
export function rate(n: number): string {
  if (n > 0 && n < 0.05) return "<0.1";
  return n > 0 && n < 9.95 ? tenths.format(n) : count(n);
}

/** A part of one: `0 %`, `0.3 %`, `42 %`. */
export function percent(part: number): string {
  return `${rate(part * 100)}${GROUP}%`;
}

/** A short duration in seconds: `0.2 s`, `12 s`, `3 min`. */
export function seconds(s: number): string {
  return s < 9.95 ? `${tenths.format(Math.max(0, s))} s` : duration(s);
}

/** A duration: `12 s`, `3 min`, `2 h 5 min`, `3 d 4 h`. Negative ones, after a clock was set back, are `0 s`. */
export function duration(s: number): string {
  const two = (n: number, unit: string, rest: number, small: string) =>
    rest === 0 ? `${n} ${unit}` : `${n} ${unit} ${rest} ${small}`;
  const whole = Math.max(0, Math.floor(s));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return two(hours, "h", minutes % 60, "min");
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** Bytes, in powers of 1000: `0 B`, `12 kB`, `345 MB`. */
export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB"];
  const power = n < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  return `${rate(n / 1000 ** power)} ${units[power]}`;
}

const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The time of day in the reader's time zone, with seconds; with the day if that is not the day of `now`. Both in ms. */
export function clock(ms: number, now = ms): string {
  const [at, today] = [day.format(ms), day.format(now)];
  return at === today ? time.format(ms) : `${at}, ${time.format(ms)}`;
}

/** Strangers' text in one line: every character that is not seen, or changes the direction, as `\u{…}`. */
export function visible(text: string): string {
  const escaped = (c: string) => `\\u{${c.codePointAt(0)!.toString(16)}}`;
  return text.replace(UNPRINTABLE, escaped).replace(ODD_SPACE, escaped);
}

/** A NodeID for people. As one writes it into the look-up box, unless it has characters that are not seen. */
export function nodeId({ text, hex }: NodeIdReply): string {
  return text === null || text === "" ? `hex:${hex}` : visible(text);
}

/** The bytes, in hex, of a NodeID as one writes it: its text, or `hex:` and hex digits. undefined if these are none. */
export function nodeIdHex(written: string): string | undefined {
  if (!written.startsWith("hex:")) {
    return Array.from(new TextEncoder().encode(written), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  const digits = written.slice(4).replaceAll(/[\s:]/g, "");
  return /^(?:[0-9a-f]{2})+$/i.test(digits) ? digits.toLowerCase() : undefined;
}
