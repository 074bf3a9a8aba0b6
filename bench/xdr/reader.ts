/** XDR with this project's XdrReader and XdrWriter: one function per type, without a schema. */
import { decode, encode, type Write, type XdrReader, type XdrWriter } from "../../src/xdr/index.ts";
import { asIs, type XdrContestant } from "./contestant.ts";
import {
  type Asset,
  AssetType,
  type Body,
  type File,
  FileKind,
  type Memo,
  MemoType,
  type Operation,
  OperationType,
  type Signature,
  type Transaction,
} from "./values.ts";

export const reader: XdrContestant = {
  who: "reader/writer",
  file: asIs(
    (bytes) => decode(bytes, readFile),
    (value) => encode((w) => writeFile(w, value)),
  ),
  transaction: asIs(
    (bytes) => decode(bytes, readTransaction),
    (value) => encode((w) => writeTransaction(w, value)),
  ),
};

const readAccount = (r: XdrReader) => r.fixedOpaque(32);
const readKind = (r: XdrReader) => r.uint();
const writeKind = (w: XdrWriter, kind: number) => w.uint(kind);
const writeAccount: Write<Uint8Array> = (w, account) => w.fixedOpaque(account, 32);
const writeValue: Write<Uint8Array> = (w, value) => w.opaque(value, 64);

const FILE_TYPES = {
  [FileKind.TEXT]: () => ({ kind: FileKind.TEXT }),
  [FileKind.DATA]: (r: XdrReader) => ({ kind: FileKind.DATA, creator: r.string(255) }),
  [FileKind.EXEC]: (r: XdrReader) => ({ kind: FileKind.EXEC, interpretor: r.string(255) }),
};

function readFile(r: XdrReader): File {
  return { filename: r.string(255), type: r.union(readKind, FILE_TYPES), owner: r.string(32), data: r.opaque(65535) };
}

function writeFile(w: XdrWriter, { filename, type, owner, data }: File): void {
  w.string(filename, 255);
  w.uint(type.kind);
  if (type.kind === FileKind.DATA) w.string(type.creator, 255);
  else if (type.kind === FileKind.EXEC) w.string(type.interpretor, 255);
  w.string(owner, 32);
  w.opaque(data, 65535);
}

const MEMOS = {
  [MemoType.NONE]: () => ({ type: MemoType.NONE }),
  [MemoType.TEXT]: (r: XdrReader) => ({ type: MemoType.TEXT, text: r.string(28) }),
  [MemoType.ID]: (r: XdrReader) => ({ type: MemoType.ID, id: r.uhyper() }),
  [MemoType.HASH]: (r: XdrReader) => ({ type: MemoType.HASH, hash: r.fixedOpaque(32) }),
};

const ASSETS = {
  [AssetType.NATIVE]: () => ({ type: AssetType.NATIVE }),
  [AssetType.CREDIT]: (r: XdrReader) => ({
    type: AssetType.CREDIT,
    credit: { code: r.fixedOpaque(4), issuer: readAccount(r) },
  }),
};

const BODIES = {
  [OperationType.CREATE]: (r: XdrReader) => ({
    type: OperationType.CREATE,
    create: { destination: readAccount(r), balance: r.hyper() },
  }),
  [OperationType.PAYMENT]: (r: XdrReader) => ({
    type: OperationType.PAYMENT,
    payment: { destination: readAccount(r), asset: r.union(readKind, ASSETS), amount: r.hyper() },
  }),
  [OperationType.DATA]: (r: XdrReader) => ({
    type: OperationType.DATA,
    data: { name: r.string(64), value: r.optional((r) => r.opaque(64)) },
  }),
  [OperationType.BUMP]: (r: XdrReader) => ({ type: OperationType.BUMP, bump: r.hyper() }),
};

function readBounds(r: XdrReader): NonNullable<Transaction["bounds"]> {
  return { min: r.uhyper(), max: r.uhyper() };
}

function readOperation(r: XdrReader): Operation {
  return { source: r.optional(readAccount), body: r.union(readKind, BODIES) };
}

function readSignature(r: XdrReader): Signature {
  return { hint: r.fixedOpaque(4), signature: r.opaque(64) };
}

function readTransaction(r: XdrReader): Transaction {
  return {
    source: readAccount(r),
    fee: r.uint(),
    sequence: r.hyper(),
    bounds: r.optional(readBounds),
    memo: r.union(readKind, MEMOS),
    operations: r.array(100, readOperation),
    signatures: r.array(20, readSignature),
  };
}

function writeTransaction(w: XdrWriter, transaction: Transaction): void {
  writeAccount(w, transaction.source);
  w.uint(transaction.fee);
  w.hyper(transaction.sequence);
  w.optional(transaction.bounds, writeBounds);
  writeMemo(w, transaction.memo);
  w.array(transaction.operations, 100, writeOperation);
  w.array(transaction.signatures, 20, writeSignature);
}

function writeBounds(w: XdrWriter, { min, max }: NonNullable<Transaction["bounds"]>): void {
  w.uhyper(min);
  w.uhyper(max);
}

function writeMemo(w: XdrWriter, memo: Memo): void {
  writeKind(w, memo.type);
  if (memo.type === MemoType.TEXT) w.string(memo.text, 28);
  else if (memo.type === MemoType.ID) w.uhyper(memo.id);
  else if (memo.type === MemoType.HASH) w.fixedOpaque(memo.hash, 32);
}

function writeOperation(w: XdrWriter, { source, body }: Operation): void {
  w.optional(source, writeAccount);
  writeBody(w, body);
}

function writeAsset(w: XdrWriter, asset: Asset): void {
  writeKind(w, asset.type);
  if (asset.type === AssetType.NATIVE) return;
  w.fixedOpaque(asset.credit.code, 4);
  writeAccount(w, asset.credit.issuer);
}

function writeBody(w: XdrWriter, body: Body): void {
  writeKind(w, body.type);
  switch (body.type) {
    case OperationType.CREATE:
      writeAccount(w, body.create.destination);
      w.hyper(body.create.balance);
      break;
    case OperationType.PAYMENT:
      writeAccount(w, body.payment.destination);
      writeAsset(w, body.payment.asset);
      w.hyper(body.payment.amount);
      break;
    case OperationType.DATA:
      w.string(body.data.name, 64);
      w.optional(body.data.value, writeValue);
      break;
    case OperationType.BUMP:
      w.hyper(body.bump);
  }
}

function writeSignature(w: XdrWriter, { hint, signature }: Signature): void {
  w.fixedOpaque(hint, 4);
  w.opaque(signature, 64);
}
