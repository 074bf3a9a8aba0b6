/**
 * Compares XDR libraries: each decodes and encodes the same values, the example of RFC 4506, a transaction, Stellar's
 * envelopes and the counters of sFlow; and refuses the same bytes.
 */
import { agree, bytesOf, refuses } from "../agree.ts";
import { type Contest, over } from "../contest.ts";
import type { Pace } from "../measure.ts";
import { coldContests } from "./cold.ts";
import type { XdrCodec, XdrContestant } from "./contestant.ts";
import { dataView } from "./dataview.ts";
import { jsXdr } from "./js-xdr.ts";
import { microPacked } from "./micro-packed.ts";
import { BEFORE, useOtherTypes } from "./other-types.ts";
import { reader } from "./reader.ts";
import { refusalContests } from "./refusals.ts";
import { schemaContestant } from "./schema.ts";
import { sflowContests } from "./sflow.ts";
import { stellarContests } from "./stellar.ts";
import { type File, FileKind, file, type Transaction, transaction } from "./values.ts";

const VALUES = 64;
/** The first so many values have different shapes. Later ones repeat these shapes with other numbers. */
const SHAPES = 4;

/** The file of RFC 4506 §7, and its bytes as shown there. */
const SILLYPROG: File = {
  filename: "sillyprog",
  type: { kind: FileKind.EXEC, interpretor: "lisp" },
  owner: "john",
  data: bytesOf("28717569 7429"),
};
const SILLYPROG_BYTES = bytesOf(
  "00000009 73696c6c 7970726f 67000000 00000002 00000004 6c697370 00000004 6a6f686e 00000006 28717569 74290000",
);

/** A contestant's codec for one type. It hides the shape of the contestant's values. */
interface Entrant<Value> {
  readonly who: string;
  /** @throws {Error} if the codec does not encode `value` to `bytes`, and decode `bytes` to `value` */
  check(value: Value, bytes: Uint8Array): void;
  /** @throws {Error} if the codec accepts `bytes` cut off anywhere, or with more bytes after them */
  checkRefusals(bytes: Uint8Array): void;
  /** The work to be timed: decodes all of `encoded`. */
  decode(encoded: readonly Uint8Array[]): () => unknown;
  /** The work to be timed: encodes all of `values`. */
  encode(values: readonly Value[]): () => unknown;
}

function entrant<Value, Own>(who: string, { decode, encode, own, plain }: XdrCodec<Value, Own>): Entrant<Value> {
  return {
    who,
    check(value, bytes) {
      agree(`${who} encodes`, new Uint8Array(encode(own(value))), bytes);
      agree(`${who} decodes`, plain(decode(bytes)), value);
    },
    checkRefusals(bytes) {
      for (let end = 0; end < bytes.length; end++) {
        refuses(`${who} decodes the first ${end} bytes of ${bytes.length}`, () => decode(bytes.slice(0, end)));
      }
      refuses(`${who} decodes bytes after the value`, () => decode(Uint8Array.of(...bytes, 0, 0, 0, 0)));
    },
    decode: (encoded) => over(encoded, decode),
    encode: (values) => over(values.map(own), encode),
  };
}

function both<F, T>({ who, file, transaction }: XdrContestant<F, T>): Both {
  return [entrant(who, file), entrant(who, transaction)];
}

function contests<Value>(
  what: string,
  values: readonly Value[],
  encode: (value: Value) => Uint8Array,
  entrants: readonly Entrant<Value>[],
): Contest[] {
  const encoded = values.map(encode);
  for (const { check, checkRefusals } of entrants) {
    for (const [i, bytes] of encoded.entries()) check(values[i]!, bytes);
    for (const bytes of encoded.slice(0, SHAPES)) checkRefusals(bytes);
  }
  const contest = (how: string, run: (entrant: Entrant<Value>) => () => unknown): Contest => ({
    suite: "xdr",
    what: `${how}, ${what}`,
    size: values.length,
    contestants: entrants.map((entrant) => ({ who: entrant.who, run: run(entrant) })),
  });
  return [contest("decode", ({ decode }) => decode(encoded)), contest("encode", ({ encode }) => encode(values))];
}

type Both = [Entrant<File>, Entrant<Transaction>];

function fileAndTransaction(contestants: readonly Both[], suffix = ""): Contest[] {
  const files = contestants.map(([file]) => file);
  for (const { check } of files) check(SILLYPROG, SILLYPROG_BYTES);
  const transactions = contestants.map(([, transaction]) => transaction);
  return [
    ...contests(
      `file of RFC 4506${suffix}`,
      Array.from({ length: VALUES }, (_, n) => file(n)),
      dataView.file.encode,
      files,
    ),
    ...contests(
      `transaction of 6 operations${suffix}`,
      Array.from({ length: VALUES }, (_, n) => transaction(n)),
      dataView.transaction.encode,
      transactions,
    ),
  ];
}

const first = schemaContestant();

/**
 * The contests in groups. Each group is made when its turn comes, since all types that a program has used before may
 * slow down those that follow.
 *
 * @throws {Error} if a contestant gives another result than expected
 */
export const XDR_CONTESTS: readonly ((pace: Pace) => Contest[] | Promise<Contest[]>)[] = [
  () => fileAndTransaction([both(first), both(reader), both(dataView), both(jsXdr), both(microPacked)]),
  ({ otherUses }) => {
    useOtherTypes(otherUses);
    return fileAndTransaction(
      [both(schemaContestant()), both({ ...first, who: BEFORE }), both(dataView), both(jsXdr)],
      ", after 60 other types",
    );
  },
  // Before any contestant calls `allowCodeGeneration`: that makes types generate code at once.
  coldContests,
  stellarContests,
  sflowContests,
  refusalContests,
];
