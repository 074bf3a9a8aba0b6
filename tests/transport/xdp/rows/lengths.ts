/** Frames, packets and datagrams whose lengths are unusual, or contradict each other. */
import { buildFrame, type FrameFields } from "../../../support/link/build.ts";
import { folded } from "../../../support/link/sums.ts";
import { announcement, hex, query } from "../../../support/packets.ts";
import { QUERY, QUERY_V4, QUERY_V6 } from "../outcome.ts";
import { answered, MALFORMED, NOTHING, passed, plain, type Row } from "./row.ts";

const UDP_LENGTH = 8 + QUERY.length;
const FAMILIES = [
  { family: "IPv4", fields: QUERY_V4, header: 20, udpAt: 34, most: 1472 },
  { family: "IPv6", fields: QUERY_V6, header: 40, udpAt: 54, most: 1452 },
] as const;

/** The longest NodeID, and a packet of the greatest length that is valid. */
const LONGEST_ID = new Uint8Array(1008).fill(65);
const LONGEST = announcement(LONGEST_ID, 4713, Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));

const LONGEST_QUERY = { ...QUERY_V6, payload: query(LONGEST_ID) };
const LONGEST_REPLY = hex(announcement(LONGEST_ID, 4713, Uint8Array.of(10, 9, 0, 2)));

/** A frame that was cut off. */
function cut(what: string, fields: FrameFields, length: number): Row {
  return {
    what,
    taken: false,
    send: ({ link }) => link.send([buildFrame(fields).subarray(0, length)]),
    expected: NOTHING,
  };
}

export const LENGTHS: readonly Row[] = FAMILIES.flatMap(({ family, fields, header, udpAt, most }) => {
  const payload = (length: number) => new Uint8Array(length).fill(0x55);
  const withLength = (ipLength: number) => ({ ...fields, ipLength: ipLength + (family === "IPv4" ? header : 0) });
  // UDP over IPv6 with length 0 is a jumbogram: the length of the IP packet counts, also in the checksum.
  const jumbogram = {
    ...fields,
    udpLength: 0,
    udpChecksum: (right: number) => ~folded((~right & 0xffff) + UDP_LENGTH) & 0xffff,
  };
  return [
    plain(
      `${family} with 1 byte, in a frame that is padded to 60 bytes`,
      { ...fields, payload: payload(1), trailer: new Uint8Array(Math.max(0, 60 - udpAt - 9)) },
      MALFORMED,
    ),
    plain(`${family} in a frame with 100 more bytes`, { ...fields, trailer: payload(100) }),
    ...[0, 1, 3, 1041, most].map((length) =>
      plain(`${family} with ${length} bytes that are no packet`, { ...fields, payload: payload(length) }, MALFORMED),
    ),
    ...new Set([udpAt + 7, udpAt, udpAt - 1, 34, 33, 15, 14])
      .values()
      .map((length) => cut(`${family} in a frame that was cut off after ${length} bytes`, fields, length)),
    // The worker finds that.
    { ...cut(`${family} in a frame without its last byte`, fields, udpAt + UDP_LENGTH - 1), taken: true },
    passed(
      `${family} with a UDP header that lacks a byte`,
      { ...fields, body: buildFrame(fields).subarray(udpAt, udpAt + 7) },
      NOTHING,
    ),
    passed(`${family} with one byte more than the frame`, withLength(UDP_LENGTH + 1), NOTHING),
    passed(`${family} with fewer bytes than UDP`, withLength(UDP_LENGTH - 4), NOTHING),
    passed(`${family} with the length of its header only`, withLength(0), NOTHING),
    passed(`${family} with more bytes than UDP`, {
      ...fields,
      payload: Buffer.concat([QUERY, new Uint8Array(4)]),
      udpLength: UDP_LENGTH,
    }),
    passed(`${family} with UDP of 7 bytes`, { ...fields, udpLength: 7 }, NOTHING),
    passed(`${family} with UDP of one byte more than the packet`, { ...fields, udpLength: UDP_LENGTH + 1 }, NOTHING),
    passed(`${family} with UDP of length 0`, jumbogram, family === "IPv4" ? NOTHING : answered(fields)),
  ];
}).concat([
  passed("IPv4 with a length that is less than its header's", { ...QUERY_V4, ipLength: 19 }, NOTHING),
  plain("the longest announcement", { ...QUERY_V4, payload: LONGEST }, { ...NOTHING, verdicts: { stored: 1 } }),
  plain("a query for the longest NodeID", LONGEST_QUERY, answered(LONGEST_QUERY, { payload: LONGEST_REPLY })),
]);

export const JUMBO_MTU = 9000;

export const JUMBO: readonly Row[] = FAMILIES.flatMap(({ family, fields, header }) => {
  const payload = (length: number) => new Uint8Array(length).fill(0x55);
  return [
    ...[1501, 2100, 4096, JUMBO_MTU].map((size) =>
      passed(`${family} of ${size} bytes`, { ...fields, payload: payload(size - header - 8) }, MALFORMED),
    ),
    passed(`${family} in a frame with 5000 more bytes`, { ...fields, trailer: payload(5000) }),
  ].map((row) => ({ ...row, jumbo: true }));
});
