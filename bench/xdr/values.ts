/** The values of the XDR bench, of the types in types.x. */
import { nodeId } from "../packets.ts";

export const FileKind = { TEXT: 0, DATA: 1, EXEC: 2 } as const;
export const AssetType = { NATIVE: 0, CREDIT: 1 } as const;
export const MemoType = { NONE: 0, TEXT: 1, ID: 2, HASH: 3 } as const;
export const OperationType = { CREATE: 0, PAYMENT: 1, DATA: 10, BUMP: 11 } as const;

export interface File {
  readonly filename: string;
  readonly type:
    | { readonly kind: typeof FileKind.TEXT }
    | { readonly kind: typeof FileKind.DATA; readonly creator: string }
    | { readonly kind: typeof FileKind.EXEC; readonly interpretor: string };
  readonly owner: string;
  readonly data: Uint8Array;
}

export type Asset =
  | { readonly type: typeof AssetType.NATIVE }
  | {
      readonly type: typeof AssetType.CREDIT;
      readonly credit: { readonly code: Uint8Array; readonly issuer: Uint8Array };
    };

export type Memo =
  | { readonly type: typeof MemoType.NONE }
  | { readonly type: typeof MemoType.TEXT; readonly text: string }
  | { readonly type: typeof MemoType.ID; readonly id: bigint }
  | { readonly type: typeof MemoType.HASH; readonly hash: Uint8Array };

export type Body =
  | {
      readonly type: typeof OperationType.CREATE;
      readonly create: { readonly destination: Uint8Array; readonly balance: bigint };
    }
  | {
      readonly type: typeof OperationType.PAYMENT;
      readonly payment: { readonly destination: Uint8Array; readonly asset: Asset; readonly amount: bigint };
    }
  | {
      readonly type: typeof OperationType.DATA;
      readonly data: { readonly name: string; readonly value: Uint8Array | null };
    }
  | { readonly type: typeof OperationType.BUMP; readonly bump: bigint };

export interface Operation {
  readonly source: Uint8Array | null;
  readonly body: Body;
}

export interface Signature {
  readonly hint: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Transaction {
  readonly source: Uint8Array;
  readonly fee: number;
  readonly sequence: bigint;
  readonly bounds: { readonly min: bigint; readonly max: bigint } | null;
  readonly memo: Memo;
  readonly operations: readonly Operation[];
  readonly signatures: readonly Signature[];
}

/** `length` bytes that differ for each `n`. */
function bytes(n: number, length: number): Uint8Array {
  const more = Array.from({ length: Math.ceil(length / 52) }, (_, i) => [...nodeId(1000 * n + i)]);
  return Uint8Array.from(more.flat().slice(0, length));
}

export function file(n: number): File {
  const filename = `sillyprog-${n}`;
  const data = bytes(n, 100 + (n % 4));
  const owner = "john";
  if (n % 4 === 0) return { filename, type: { kind: FileKind.TEXT }, owner, data };
  if (n % 4 === 1) return { filename, type: { kind: FileKind.DATA, creator: "paint" }, owner: "zoë", data };
  return { filename, type: { kind: FileKind.EXEC, interpretor: "lisp" }, owner, data };
}

export function transaction(n: number): Transaction {
  const credit: Asset = { type: AssetType.CREDIT, credit: { code: bytes(n, 4), issuer: bytes(n + 1, 32) } };
  const memos: Memo[] = [
    { type: MemoType.TEXT, text: `invoice ${n}` },
    { type: MemoType.ID, id: 2n ** 63n + BigInt(n) },
    { type: MemoType.HASH, hash: bytes(n + 2, 32) },
    { type: MemoType.NONE },
  ];
  const bodies: Body[] = [
    {
      type: OperationType.PAYMENT,
      payment: { destination: bytes(n + 3, 32), asset: credit, amount: BigInt(n) * 10n ** 7n },
    },
    {
      type: OperationType.PAYMENT,
      payment: { destination: bytes(n + 4, 32), asset: { type: AssetType.NATIVE }, amount: 2n ** 62n - BigInt(n) },
    },
    { type: OperationType.DATA, data: { name: `config.${n}`, value: bytes(n, 20 + (n % 8)) } },
    { type: OperationType.DATA, data: { name: "gone", value: null } },
    { type: OperationType.CREATE, create: { destination: bytes(n + 5, 32), balance: 5n * 10n ** 7n } },
    { type: OperationType.BUMP, bump: -BigInt(n) },
  ];
  return {
    source: bytes(n, 32),
    fee: 100 * bodies.length,
    sequence: 2n ** 40n + BigInt(n),
    bounds: n % 2 === 0 ? { min: 0n, max: 1_900_000_000n } : null,
    memo: memos[n % 4]!,
    operations: bodies.map((body, i) => ({ source: i % 2 === 0 ? null : bytes(n + i, 32), body })),
    signatures: [0, 1].map((i) => ({ hint: bytes(n + i, 4), signature: bytes(n + i, 64) })),
  };
}
