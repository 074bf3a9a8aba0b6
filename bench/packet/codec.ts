/**
 * Compares packet codecs: each decodes and encodes the same packets, one at a time, 64 together, and 64 together to and
 * from columns.
 */
import { MAX_PACKET } from "../../assembly/layout.ts";
import type { BatchOptions, Packet, PacketBatch } from "../../src/codec/index.ts";
import { PacketFields } from "../../src/codec/index.ts";
import { type Contest, type Contestant, over } from "../contest.ts";
import { announcement, ID_LENGTH, query } from "../packets.ts";
import { checkColumns, checkPackets } from "./agree.ts";
import { datagramsOf } from "./columns.ts";
import type { PacketContestant } from "./contestant.ts";
import { dataView } from "./dataview.ts";
import { jsXdr } from "./js-xdr.ts";
import { microPacked } from "./micro-packed.ts";
import { ours } from "./ours.ts";

const BATCH = 64;
const IP = Uint8Array.of(192, 0, 2, 1);

/** Other lengths of NodeIDs, with which only the two backends are compared: a short name, and as long as servers can accept. */
const OTHER_LENGTHS = [7, 1000] as const;

/** 64 different packets of one type. */
function samples(type: Packet["type"], idLength: number): Packet[] {
  return Array.from({ length: BATCH }, (_, n) =>
    type === "query" ? query(n, idLength) : { ...announcement(n, idLength), ip: IP },
  );
}

interface Entrant {
  readonly contestant: PacketContestant;
  /** One batch for all tasks, as in a program: calls of functions of many wasm instances would be slower. */
  readonly batch: PacketBatch | undefined;
}

const ROOM: BatchOptions = { packets: BATCH, bytes: 2 * BATCH * MAX_PACKET };
let made: Entrant[] | undefined;

/** All contestants, the same objects each time. */
function entrants(): readonly Entrant[] {
  made ??= [ours("wasm"), ours("ts"), ours("auto"), dataView, jsXdr, microPacked].map((contestant) => ({
    contestant,
    batch: contestant.batch?.(ROOM),
  }));
  return made;
}

/** The name of a task: `decode, query`, or `decode, query, NodeID of 7 bytes`. */
export function taskOf(operation: string, type: Packet["type"], idLength: number): string {
  return `${operation}, ${type}${idLength === ID_LENGTH ? "" : `, NodeID of ${idLength} bytes`}`;
}

/** Each group throws an Error if a contestant gives another result than expected. */
export const CODEC_CONTESTS: readonly (() => Contest[])[] = [
  () => contestsFor("announcement", ID_LENGTH, entrants()),
  () => contestsFor("query", ID_LENGTH, entrants()),
  ...OTHER_LENGTHS.map((length) => () => {
    const backends = entrants().filter(({ contestant }) => contestant.who === "wasm" || contestant.who === "ts");
    return contestsFor("announcement", length, backends);
  }),
];

function contestsFor(type: Packet["type"], idLength: number, entrants: readonly Entrant[]): Contest[] {
  const packets = samples(type, idLength);
  const encoded = packets.map((packet) => new Uint8Array(dataView.encode(packet)));
  const datagrams = datagramsOf(encoded);
  for (const { contestant, batch } of entrants) {
    checkPackets(contestant, packets, encoded);
    if (batch !== undefined) checkColumns(contestant.who, batch, packets, datagrams);
  }

  /** @param run - what a contestant does; undefined if it cannot */
  const contest = (operation: string, run: (entrant: Entrant) => Contestant["run"] | undefined): Contest => ({
    suite: "codec",
    what: taskOf(operation, type, idLength),
    size: BATCH,
    contestants: entrants.flatMap((entrant) => {
      const found = run(entrant);
      return found === undefined ? [] : [{ who: entrant.contestant.who, run: found }];
    }),
  });
  const single = (operation: string, run: (contestant: PacketContestant) => Contestant["run"] | undefined) =>
    contest(operation, ({ contestant }) => run(contestant));
  const columns = (operation: string, run: (batch: PacketBatch) => unknown) =>
    contest(operation, ({ batch }) => batch && over([batch], run));
  const fields = new PacketFields();
  const target = new Uint8Array(MAX_PACKET);
  return [
    single("decode", ({ decode }) => over(encoded, decode)),
    single("tryDecode", ({ tryDecode }) => tryDecode && over(encoded, tryDecode)),
    single("encode", ({ encode }) => over(packets, encode)),
    single("decode, 64 together", ({ decode, decodeMany }) => {
      const run = decodeMany ?? ((list) => list.map((bytes) => decode(bytes)));
      return over([encoded], run);
    }),
    single("encode, 64 together", ({ encode, encodeMany }) => {
      const run = encodeMany ?? ((list) => list.map((packet) => encode(packet)));
      return over([packets], run);
    }),
    single("decodeInto", ({ decodeInto }) => decodeInto && over(encoded, (bytes) => decodeInto(bytes, fields))),
    single("encodeInto", ({ encodeInto }) => encodeInto && over(packets, (packet) => encodeInto(packet, target, 0))),
    columns("decode columns, 64 together", (batch) => {
      batch.fill(datagrams.bytes, datagrams.offsets, datagrams.lengths);
      return batch.decode();
    }),
    columns("decode columns, 64 in the room", (batch) => batch.decode()),
    columns("encode columns, 64 together", (batch) => batch.encode()),
  ];
}
