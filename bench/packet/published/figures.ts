/** The figures of docs/codec.md: one file for each runtime, docs/performance/codec-*.json. */
import { join } from "node:path";
import type { CodecBackend } from "../../../src/codec/index.ts";
import type { Row } from "../../contest.ts";
import { taskOf } from "../codec.ts";

export const RUNTIMES = ["bun", "node", "chromium"] as const;
export type Runtime = (typeof RUNTIMES)[number];

export const BACKENDS = ["wasm", "ts"] as const satisfies readonly CodecBackend[];
export const ID_LENGTHS = [7, 52, 1000] as const;

/** The operations by their names in the codec's interface, each with the name of its task in the bench. */
export const OPERATIONS = {
  decode: "decode",
  tryDecode: "tryDecode",
  decodeInto: "decodeInto",
  encode: "encode",
  encodeInto: "encodeInto",
  decodeMany: "decode, 64 together",
  encodeMany: "encode, 64 together",
  "batch.fill, batch.decode": "decode columns, 64 together",
  "batch.decode": "decode columns, 64 in the room",
  "batch.encode": "encode columns, 64 together",
} as const;
export type Operation = keyof typeof OPERATIONS;

type ByBackend = Readonly<Record<CodecBackend, number>>;

/** Milliseconds in a new process or page, medians. */
export interface Cold {
  readonly import: number;
  /** Creating the codec, and `tryDecode` of one packet. */
  readonly decode: ByBackend;
  /** Creating codec and batch, and decoding 64 packets. */
  readonly batch: ByBackend;
}

/** Nanoseconds per announcement, by operation and length of the NodeID. */
export type Warm = Readonly<Record<Operation, Readonly<Record<(typeof ID_LENGTHS)[number], ByBackend>>>>;

export interface Figures {
  /** "Node 20.20.2". */
  readonly runtime: string;
  readonly processor: string;
  readonly processors: number;
  readonly system: string;
  /** "2026-01-31". */
  readonly date: string;
  readonly command: string;
  readonly cold: Cold;
  readonly warm: Warm;
}

/** @throws {Error} if a row is missing */
export function warmOf(rows: readonly Row[]): Warm {
  const nsOf = (what: string, who: string): number => {
    const row = rows.find((row) => row.suite === "codec" && row.what === what && row.who === who);
    if (row === undefined) throw new Error(`the bench has no row "${what}" of ${who}`);
    return row.ns;
  };
  const entries = Object.entries(OPERATIONS).map(([operation, task]) => {
    const lengths = ID_LENGTHS.map((length) => {
      const what = taskOf(task, "announcement", length);
      return [length, { wasm: nsOf(what, "wasm"), ts: nsOf(what, "ts") }];
    });
    return [operation, Object.fromEntries(lengths)];
  });
  return Object.fromEntries(entries);
}

function pathOf(runtime: Runtime): string {
  return join(import.meta.dir, "../../../docs/performance", `codec-${runtime}.json`);
}

/** @throws {Error} if there are none */
export async function readFigures(runtime: Runtime): Promise<Figures> {
  return Bun.file(pathOf(runtime)).json();
}

/** Numbers are written with 3 significant digits. */
export async function writeFigures(runtime: Runtime, figures: Figures): Promise<void> {
  const rounded = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(3)) : value);
  const text = JSON.stringify(figures, rounded, 2);
  // One line for each pair of backends.
  const short = text.replace(/\{\s+("wasm": [\d.]+),\s+("ts": [\d.]+)\s+\}/g, "{ $1, $2 }");
  await Bun.write(pathOf(runtime), `${short}\n`);
}
