/**
 * XDR with micro-packed, which can describe all of these types once padding is added to its own. It decodes bytes as
 * views of the input, and missing optional data as `undefined`.
 */
import * as P from "micro-packed";
import type { XdrContestant } from "./contestant.ts";
import * as T from "./values.ts";

function atMost<V extends { readonly length: number }>(maximum: number, inner: P.CoderType<V>): P.CoderType<V> {
  return P.validate(inner, (value) => {
    if (value.length > maximum) throw new Error("too long");
    return value;
  });
}

const fixed = (length: number) => P.padRight(4, P.bytes(length), P.ZeroPad);
const opaque = (maximum: number) => atMost(maximum, P.padRight(4, P.bytes(P.U32BE), P.ZeroPad));
/** UTF-8. The maximum counts UTF-16 code units instead of bytes, which is close enough for this bench. */
const string = (maximum: number) => atMost(maximum, P.padRight(4, P.string(P.U32BE), P.ZeroPad));
const nothing = P.struct({});
const bool = P.apply(P.U32BE, {
  encode: (value: number) => {
    if (value > 1) throw new Error("bad bool");
    return value === 1;
  },
  decode: (value: boolean) => (value ? 1 : 0),
});

const file = P.struct({
  filename: string(255),
  type: P.tag(P.U32BE, {
    [T.FileKind.TEXT]: nothing,
    [T.FileKind.DATA]: string(255),
    [T.FileKind.EXEC]: string(255),
  }),
  owner: string(32),
  data: opaque(65535),
});

const account = fixed(32);
const asset = P.tag(P.U32BE, {
  [T.AssetType.NATIVE]: nothing,
  [T.AssetType.CREDIT]: P.struct({ code: fixed(4), issuer: account }),
});
const memo = P.tag(P.U32BE, {
  [T.MemoType.NONE]: nothing,
  [T.MemoType.TEXT]: string(28),
  [T.MemoType.ID]: P.U64BE,
  [T.MemoType.HASH]: fixed(32),
});
const body = P.tag(P.U32BE, {
  [T.OperationType.CREATE]: P.struct({ destination: account, balance: P.I64BE }),
  [T.OperationType.PAYMENT]: P.struct({ destination: account, asset, amount: P.I64BE }),
  [T.OperationType.DATA]: P.struct({ name: string(64), value: P.optional(bool, opaque(64)) }),
  [T.OperationType.BUMP]: P.I64BE,
});
const transaction = P.struct({
  source: account,
  fee: P.U32BE,
  sequence: P.I64BE,
  bounds: P.optional(bool, P.struct({ min: P.U64BE, max: P.U64BE })),
  memo,
  operations: atMost(100, P.array(P.U32BE, P.struct({ source: P.optional(bool, account), body }))),
  signatures: atMost(20, P.array(P.U32BE, P.struct({ hint: fixed(4), signature: opaque(64) }))),
});

type OwnFile = P.UnwrapCoder<typeof file>;
type OwnTransaction = P.UnwrapCoder<typeof transaction>;
type OwnBody = P.UnwrapCoder<typeof body>;

function ownType(type: T.File["type"]): OwnFile["type"] {
  switch (type.kind) {
    case T.FileKind.TEXT:
      return { TAG: type.kind, data: {} };
    case T.FileKind.DATA:
      return { TAG: type.kind, data: type.creator };
    case T.FileKind.EXEC:
      return { TAG: type.kind, data: type.interpretor };
  }
}

function plainType({ TAG, data }: OwnFile["type"]): T.File["type"] {
  switch (TAG) {
    case T.FileKind.TEXT:
      return { kind: TAG };
    case T.FileKind.DATA:
      return { kind: TAG, creator: data };
    case T.FileKind.EXEC:
      return { kind: TAG, interpretor: data };
  }
}

function ownMemo(memo: T.Memo): OwnTransaction["memo"] {
  switch (memo.type) {
    case T.MemoType.NONE:
      return { TAG: memo.type, data: {} };
    case T.MemoType.TEXT:
      return { TAG: memo.type, data: memo.text };
    case T.MemoType.ID:
      return { TAG: memo.type, data: memo.id };
    case T.MemoType.HASH:
      return { TAG: memo.type, data: memo.hash };
  }
}

function plainMemo({ TAG, data }: OwnTransaction["memo"]): T.Memo {
  switch (TAG) {
    case T.MemoType.NONE:
      return { type: TAG };
    case T.MemoType.TEXT:
      return { type: TAG, text: data };
    case T.MemoType.ID:
      return { type: TAG, id: data };
    case T.MemoType.HASH:
      return { type: TAG, hash: data };
  }
}

function ownBody(body: T.Body): OwnBody {
  switch (body.type) {
    case T.OperationType.CREATE:
      return { TAG: body.type, data: body.create };
    case T.OperationType.PAYMENT: {
      const { asset, ...rest } = body.payment;
      const own =
        asset.type === T.AssetType.NATIVE ? { TAG: asset.type, data: {} } : { TAG: asset.type, data: asset.credit };
      return { TAG: body.type, data: { ...rest, asset: own } };
    }
    case T.OperationType.DATA:
      return { TAG: body.type, data: { name: body.data.name, value: body.data.value ?? undefined } };
    case T.OperationType.BUMP:
      return { TAG: body.type, data: body.bump };
  }
}

function plainBody({ TAG, data }: OwnBody): T.Body {
  switch (TAG) {
    case T.OperationType.CREATE:
      return { type: TAG, create: data };
    case T.OperationType.PAYMENT: {
      const { asset, ...rest } = data;
      const plain = asset.TAG === T.AssetType.NATIVE ? { type: asset.TAG } : { type: asset.TAG, credit: asset.data };
      return { type: TAG, payment: { ...rest, asset: plain } };
    }
    case T.OperationType.DATA:
      return { type: TAG, data: { name: data.name, value: data.value ?? null } };
    case T.OperationType.BUMP:
      return { type: TAG, bump: data };
  }
}

export const microPacked: XdrContestant<OwnFile, OwnTransaction> = {
  who: "micro-packed",
  file: {
    decode: (bytes) => file.decode(bytes),
    encode: (value) => file.encode(value),
    own: (file) => ({ ...file, type: ownType(file.type) }),
    plain: (file) => ({ ...file, type: plainType(file.type) }),
  },
  transaction: {
    decode: (bytes) => transaction.decode(bytes),
    encode: (value) => transaction.encode(value),
    own: ({ bounds, memo, operations, signatures, ...rest }) => ({
      ...rest,
      bounds: bounds ?? undefined,
      memo: ownMemo(memo),
      operations: operations.map(({ source, body }) => ({ source: source ?? undefined, body: ownBody(body) })),
      signatures: [...signatures],
    }),
    plain: ({ bounds, memo, operations, ...rest }) => ({
      ...rest,
      bounds: bounds ?? null,
      memo: plainMemo(memo),
      operations: operations.map(({ source, body }) => ({ source: source ?? null, body: plainBody(body) })),
    }),
  },
};
