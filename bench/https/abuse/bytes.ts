/** What the attackers send. */
import type { Flooding } from "./attacks.ts";

const MEGABYTE = 1_000_000;
const DEPTH = 10_000;
const ADDRESSES = 1_000;
/** A device ID that nobody has. */
const UNKNOWN = "AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA";
/** Bytes of one chunk of `chunked-json`. */
const CHUNK = 65_536;

const get = (headers = "") =>
  Buffer.from(`GET /v2/?device=${UNKNOWN} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`, "latin1");

const post = (body: string) =>
  Buffer.from(`POST /v2/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`, "latin1");

function postChunked(body: string): Buffer {
  const parts = ["POST /v2/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"];
  for (let at = 0; at < body.length; at += CHUNK) {
    const part = body.slice(at, at + CHUNK);
    parts.push(`${part.length.toString(16)}\r\n${part}\r\n`);
  }
  return Buffer.from(`${parts.join("")}0\r\n\r\n`, "latin1");
}

const announcement = (addresses: readonly string[]) => JSON.stringify({ addresses });
const manyAddresses = (count: number) =>
  Array.from({ length: count }, (_, n) => `tcp://198.51.${(n >>> 8) % 256}.${n & 255}:${1024 + (n % 60_000)}`);

/** An announcement of 10 MB. */
function largeJson(): string {
  const one = announcement(manyAddresses(ADDRESSES));
  return announcement(manyAddresses(Math.ceil((10 * MEGABYTE * ADDRESSES) / one.length)));
}

/** The request of each kind of flood that waits for the answer. */
export const REQUESTS: Readonly<Record<Exclude<Flooding, "handshakes" | "pipelined" | "rapid-reset">, () => Buffer>> = {
  "look-ups": () => get(),
  announcements: () => post(announcement(manyAddresses(2))),
  headers: () => get(`X-Padding: ${"a".repeat(MEGABYTE)}\r\n`),
  "large-json": () => post(largeJson()),
  "chunked-json": () => postChunked(largeJson()),
  "deep-json": () => post(`{"addresses":${"[".repeat(DEPTH)}${"]".repeat(DEPTH)}}`),
  addresses: () => post(announcement(manyAddresses(ADDRESSES))),
  "long-address": () => post(announcement([`tcp://${"a".repeat(MEGABYTE)}:22000`])),
};

/** `count` requests that no server has an answer for. */
export function invalidRequests(count: number): Buffer {
  return Buffer.from("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(count), "latin1");
}

/** The beginning of a ClientHello of TLS 1.2 or later (RFC 8446 §4.1.2) of 512 bytes, of which the rest never comes. */
export const HALF_HELLO = Buffer.concat([Buffer.from("1603010200010001fc0303", "hex"), Buffer.alloc(32, 7)]);

const FRAME_HEADERS = 1;
const FRAME_RST_STREAM = 3;
const FRAME_SETTINGS = 4;
const END_STREAM_AND_HEADERS = 0x05;
const CANCEL = 8;
/** The same in HPACK (RFC 7541): GET, https and / of the static table, and a literal authority. */
const HEADERS = Buffer.concat([Buffer.of(0x82, 0x87, 0x84, 0x41, 9), Buffer.from("127.0.0.1", "latin1")]);

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** How a connection of h2 begins (RFC 9113 §3.4). */
export const H2_PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
  frame(FRAME_SETTINGS, 0, 0, Buffer.alloc(0)),
]);

/** Opens and resets `count` streams, of which the first is number `first`, an odd number. */
export function resets(first: number, count: number): Buffer {
  const cancel = Buffer.of(0, 0, 0, CANCEL);
  const streams = Array.from({ length: count }, (_, i) => first + 2 * i);
  return Buffer.concat(
    streams.flatMap((stream) => [
      frame(FRAME_HEADERS, END_STREAM_AND_HEADERS, stream, HEADERS),
      frame(FRAME_RST_STREAM, 0, stream, cancel),
    ]),
  );
}
