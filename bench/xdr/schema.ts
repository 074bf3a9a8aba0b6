/** XDR with this project's schemas. Opaque data is decoded as views of the input. */
import {
  array,
  enumType,
  fixedOpaque,
  hyper,
  opaque,
  optional,
  string,
  struct,
  uhyper,
  uint,
  union,
  voidType,
} from "../../src/xdr/index.ts";
import { asIs, type XdrContestant } from "./contestant.ts";
import { AssetType, FileKind, MemoType, OperationType } from "./values.ts";

/** New types, the same each time. */
export function newTypes() {
  const file = struct({
    filename: string(255),
    type: union("kind", enumType(FileKind), {
      [FileKind.TEXT]: voidType,
      [FileKind.DATA]: { creator: string(255) },
      [FileKind.EXEC]: { interpretor: string(255) },
    }),
    owner: string(32),
    data: opaque(65535),
  });

  const account = fixedOpaque(32);
  const asset = union("type", enumType(AssetType), {
    [AssetType.NATIVE]: voidType,
    [AssetType.CREDIT]: { credit: struct({ code: fixedOpaque(4), issuer: account }) },
  });
  const memo = union("type", enumType(MemoType), {
    [MemoType.NONE]: voidType,
    [MemoType.TEXT]: { text: string(28) },
    [MemoType.ID]: { id: uhyper },
    [MemoType.HASH]: { hash: fixedOpaque(32) },
  });
  const body = union("type", enumType(OperationType), {
    [OperationType.CREATE]: { create: struct({ destination: account, balance: hyper }) },
    [OperationType.PAYMENT]: { payment: struct({ destination: account, asset, amount: hyper }) },
    [OperationType.DATA]: { data: struct({ name: string(64), value: optional(opaque(64)) }) },
    [OperationType.BUMP]: { bump: hyper },
  });
  const transaction = struct({
    source: account,
    fee: uint,
    sequence: hyper,
    bounds: optional(struct({ min: uhyper, max: uhyper })),
    memo,
    operations: array(struct({ source: optional(account), body }), 100),
    signatures: array(struct({ hint: fixedOpaque(4), signature: opaque(64) }), 20),
  });
  return { file, transaction };
}

/** A contestant with new types. */
export function schemaContestant(): XdrContestant {
  const { file, transaction } = newTypes();
  return {
    who: "schema",
    file: asIs(
      (bytes) => file.decode(bytes),
      (value) => file.encode(value),
    ),
    transaction: asIs(
      (bytes) => transaction.decode(bytes),
      (value) => transaction.encode(value),
    ),
  };
}
