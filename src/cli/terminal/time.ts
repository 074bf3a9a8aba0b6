/** Times as text: local time, with its offset from UTC. */

/**
 * Local time in milliseconds: `2026-11-28 21:18:46.932 +01:00`, and with T instead of the first space, and without the
 * second, as in RFC 3339.
 */
export function localTime(at: number, between: " " | "T"): string {
  const offset = -new Date(at).getTimezoneOffset();
  const local = new Date(at + offset * 60_000).toISOString().slice(0, -1).replace("T", between);
  const two = (n: number) => `${Math.floor(n)}`.padStart(2, "0");
  const minutes = Math.abs(offset);
  const zone = `${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
  return between === "T" ? local + zone : `${local} ${zone}`;
}

/** Local time in seconds, as in RFC 3339: `2026-01-31T12:00:00+01:00`. */
export function timeStamp(ms: number): string {
  return localTime(ms, "T").replace(/\.\d{3}/, "");
}
