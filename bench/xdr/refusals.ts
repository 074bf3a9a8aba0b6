/** What it costs to refuse bytes, beside a good packet of about the same size. */
import * as js from "@stellar/js-xdr";
import { int, lazy, optional, struct, uint, type XdrType } from "../../src/xdr/index.ts";
import { agree, refuses } from "../agree.ts";
import { type Contest, over } from "../contest.ts";
import { jsXdr } from "./js-xdr.ts";
import { newTypes, schemaContestant } from "./schema.ts";
import { transaction } from "./values.ts";

/** The contestant that decodes the good packet. */
export const GOOD = "a good packet";
export const THREE_BYTES = "refuse 3 bytes";

const PACKETS = 64;
/** The default maximum depth of this project's types. */
const MAX_DEPTH = 500;

type Chain = { value: number; next: Chain | null };
type Tried = Pick<XdrType<unknown>, "tryDecode">;

/** A packet of a linked structure in which `depth` optionals are nested. */
function chain(depth: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * depth));
  for (let n = 1; n < depth; n += 1) view.setInt32(8 * n - 4, 1);
  return new Uint8Array(view.buffer);
}

interface Refusal {
  readonly what: string;
  /** The type that refuses `bad`, and what js-xdr does. */
  readonly type: Tried;
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly bad: readonly Uint8Array[];
  /** A type that accepts `good`. */
  readonly goodType: Tried;
  readonly good: readonly Uint8Array[];
}

export function refusalContests(): Contest[] {
  const types = newTypes();
  const ChainType: XdrType<Chain> = struct({ value: int, next: optional(lazy(() => ChainType)) });
  const JsChain: js.XdrType<Chain> = js.struct("chain", { value: js.int32(), next: js.option(js.lazy(() => JsChain)) });
  const encode = schemaContestant().transaction.encode;
  const transactions = Array.from({ length: PACKETS }, (_, n) => encode(transaction(n)));
  const many = (bytes: Uint8Array) => Array.from({ length: PACKETS }, () => bytes.slice());
  const refusals: readonly Refusal[] = [
    {
      what: THREE_BYTES,
      type: types.transaction,
      decode: jsXdr.transaction.decode,
      bad: many(new Uint8Array(3)),
      goodType: uint,
      good: many(new Uint8Array(4)),
    },
    {
      what: "refuse a transaction without its last 4 bytes",
      type: types.transaction,
      decode: jsXdr.transaction.decode,
      bad: transactions.map((bytes) => bytes.slice(0, -4)),
      goodType: types.transaction,
      good: transactions,
    },
    {
      what: "refuse a packet of 4 KB that nests too deep",
      type: ChainType,
      decode: (bytes) => JsChain.decode(bytes, { maxDepth: MAX_DEPTH }),
      bad: many(chain(MAX_DEPTH + 2)),
      goodType: ChainType,
      good: many(chain(MAX_DEPTH)),
    },
  ];
  return refusals.map(contestOf);
}

function contestOf({ what, type, decode, bad, goodType, good }: Refusal): Contest {
  for (const bytes of bad) {
    agree(`schema: ${what}`, type.tryDecode(bytes).ok, false);
    refuses(`js-xdr: ${what}`, () => decode(bytes));
  }
  for (const bytes of good) agree(`${GOOD}: ${what}`, goodType.tryDecode(bytes).ok, true);
  return {
    suite: "xdr",
    what,
    size: PACKETS,
    contestants: [
      { who: "schema", run: over(bad, (bytes) => type.tryDecode(bytes)) },
      { who: GOOD, run: over(good, (bytes) => goodType.tryDecode(bytes)) },
      { who: "js-xdr", run: over(bad, (bytes) => refusalOf(decode, bytes)) },
    ],
  };
}

function refusalOf(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    return error;
  }
}
