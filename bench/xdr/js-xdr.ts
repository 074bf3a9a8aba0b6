/** XDR with @stellar/js-xdr. Its strings are bytes; converting them to text is up to its users. */
import {
  case as arm,
  array,
  enumType,
  field,
  type Infer,
  int64,
  void as nothing,
  opaque,
  option,
  string,
  struct,
  uint32,
  uint64,
  union,
  varOpaque,
} from "@stellar/js-xdr";
import type { XdrContestant } from "./contestant.ts";
import * as T from "./values.ts";

const Kind = enumType("filekind", T.FileKind);
const File = struct("file", {
  filename: string(255),
  type: union("filetype", {
    switchOn: Kind,
    switchKey: "kind",
    cases: [
      arm("TEXT", Kind.TEXT, nothing()),
      arm("DATA", Kind.DATA, field("creator", string(255))),
      arm("EXEC", Kind.EXEC, field("interpretor", string(255))),
    ],
  }),
  owner: string(32),
  data: varOpaque(65535),
});

const account = opaque(32);
const AssetType = enumType("asset_type", T.AssetType);
const Asset = union("asset", {
  switchOn: AssetType,
  cases: [
    arm("NATIVE", AssetType.NATIVE, nothing()),
    arm("CREDIT", AssetType.CREDIT, field("credit", struct("credit", { code: opaque(4), issuer: account }))),
  ],
});
const MemoType = enumType("memo_type", T.MemoType);
const Memo = union("memo", {
  switchOn: MemoType,
  cases: [
    arm("NONE", MemoType.NONE, nothing()),
    arm("TEXT", MemoType.TEXT, field("text", string(28))),
    arm("ID", MemoType.ID, field("id", uint64())),
    arm("HASH", MemoType.HASH, field("hash", opaque(32))),
  ],
});
const OperationType = enumType("operation_type", T.OperationType);
const Body = union("body", {
  switchOn: OperationType,
  cases: [
    arm("CREATE", OperationType.CREATE, field("create", struct("create", { destination: account, balance: int64() }))),
    arm(
      "PAYMENT",
      OperationType.PAYMENT,
      field("payment", struct("payment", { destination: account, asset: Asset, amount: int64() })),
    ),
    arm("DATA", OperationType.DATA, field("data", struct("data", { name: string(64), value: option(varOpaque(64)) }))),
    arm("BUMP", OperationType.BUMP, field("bump", int64())),
  ],
});
const Transaction = struct("transaction", {
  source: account,
  fee: uint32(),
  sequence: int64(),
  bounds: option(struct("time_bounds", { min: uint64(), max: uint64() })),
  memo: Memo,
  operations: array(struct("operation", { source: option(account), body: Body }), 100),
  signatures: array(struct("signature", { hint: opaque(4), signature: varOpaque(64) }), 20),
});

type OwnFile = Infer<typeof File>;
type OwnTransaction = Infer<typeof Transaction>;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function ownType(type: T.File["type"]): OwnFile["type"] {
  if (type.kind === T.FileKind.DATA) return { ...type, creator: bytesOf(type.creator) };
  return type.kind === T.FileKind.EXEC ? { ...type, interpretor: bytesOf(type.interpretor) } : type;
}

function plainType(type: OwnFile["type"]): T.File["type"] {
  if (type.kind === T.FileKind.DATA) return { ...type, creator: textOf(type.creator) };
  return type.kind === T.FileKind.EXEC ? { ...type, interpretor: textOf(type.interpretor) } : type;
}

function ownBody(body: T.Body): OwnTransaction["operations"][number]["body"] {
  return body.type === T.OperationType.DATA ? { ...body, data: { ...body.data, name: bytesOf(body.data.name) } } : body;
}

function plainBody(body: OwnTransaction["operations"][number]["body"]): T.Body {
  return body.type === T.OperationType.DATA ? { ...body, data: { ...body.data, name: textOf(body.data.name) } } : body;
}

export const jsXdr: XdrContestant<OwnFile, OwnTransaction> = {
  who: "js-xdr",
  file: {
    decode: (bytes) => File.decode(bytes),
    encode: (value) => File.encode(value),
    own: (file) => ({
      ...file,
      filename: bytesOf(file.filename),
      type: ownType(file.type),
      owner: bytesOf(file.owner),
    }),
    plain: (file) => ({
      ...file,
      filename: textOf(file.filename),
      type: plainType(file.type),
      owner: textOf(file.owner),
    }),
  },
  transaction: {
    decode: (bytes) => Transaction.decode(bytes),
    encode: (value) => Transaction.encode(value),
    own: ({ memo, operations, signatures, ...rest }) => ({
      ...rest,
      memo: memo.type === T.MemoType.TEXT ? { ...memo, text: bytesOf(memo.text) } : memo,
      operations: operations.map(({ source, body }) => ({ source, body: ownBody(body) })),
      signatures: [...signatures],
    }),
    plain: ({ memo, operations, ...rest }) => ({
      ...rest,
      memo: memo.type === T.MemoType.TEXT ? { ...memo, text: textOf(memo.text) } : memo,
      operations: operations.map(({ source, body }) => ({ source, body: plainBody(body) })),
    }),
  },
};
