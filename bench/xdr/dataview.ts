/** XDR written by hand with DataView, without a schema, and as strict as the other contestants. */
import { asIs, type XdrContestant } from "./contestant.ts";
import {
  type Asset,
  AssetType,
  type Body,
  type File,
  FileKind,
  type Memo,
  MemoType,
  OperationType,
  type Transaction,
} from "./values.ts";

export const dataView: XdrContestant = {
  who: "DataView",
  file: asIs(
    (bytes) => decode(bytes, readFile),
    (value) => encode(value, writeFile),
  ),
  transaction: asIs(
    (bytes) => decode(bytes, readTransaction),
    (value) => encode(value, writeTransaction),
  ),
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const text = new TextEncoder();

class Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  // No bounds checks here: DataView throws past the end.
  uint(): number {
    const value = this.view.getUint32(this.at);
    this.at += 4;
    return value;
  }

  hyper(): bigint {
    const value = this.view.getBigInt64(this.at);
    this.at += 8;
    return value;
  }

  uhyper(): bigint {
    const value = this.view.getBigUint64(this.at);
    this.at += 8;
    return value;
  }

  present(): boolean {
    const value = this.uint();
    if (value > 1) throw new Error("bad bool");
    return value === 1;
  }

  /** Moves past `length` bytes and their padding. Returns the position of the bytes. */
  #take(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw new Error("too short");
    const end = start + length + (-length & 3);
    if (end > this.bytes.length) throw new Error("too short");
    for (let i = start + length; i < end; i++) if (this.bytes[i] !== 0) throw new Error("bad padding");
    this.at = end;
    return start;
  }

  fixed(length: number): Uint8Array {
    const start = this.#take(length);
    return this.bytes.slice(start, start + length);
  }

  length(maximum: number): number {
    const length = this.uint();
    if (length > maximum) throw new Error("too long");
    return length;
  }

  opaque(maximum: number): Uint8Array {
    return this.fixed(this.length(maximum));
  }

  string(maximum: number): string {
    const length = this.length(maximum);
    const start = this.#take(length);
    return utf8.decode(this.bytes.subarray(start, start + length));
  }
}

function decode<T>(bytes: Uint8Array, read: (source: Source) => T): T {
  const source = new Source(bytes);
  const value = read(source);
  if (source.at !== bytes.length) throw new Error("trailing bytes");
  return value;
}

function readFile(source: Source): File {
  return {
    filename: source.string(255),
    type: readFileType(source),
    owner: source.string(32),
    data: source.opaque(65535),
  };
}

function readFileType(source: Source): File["type"] {
  const kind = source.uint();
  switch (kind) {
    case FileKind.TEXT:
      return { kind };
    case FileKind.DATA:
      return { kind, creator: source.string(255) };
    case FileKind.EXEC:
      return { kind, interpretor: source.string(255) };
    default:
      throw new Error("bad file kind");
  }
}

function readTransaction(source: Source): Transaction {
  const account = source.fixed(32);
  const fee = source.uint();
  const sequence = source.hyper();
  const bounds = source.present() ? { min: source.uhyper(), max: source.uhyper() } : null;
  const memo = readMemo(source);
  const operations: Transaction["operations"][number][] = [];
  for (let left = source.length(100); left > 0; left--) {
    operations.push({ source: source.present() ? source.fixed(32) : null, body: readBody(source) });
  }
  const signatures: Transaction["signatures"][number][] = [];
  for (let left = source.length(20); left > 0; left--) {
    signatures.push({ hint: source.fixed(4), signature: source.opaque(64) });
  }
  return { source: account, fee, sequence, bounds, memo, operations, signatures };
}

function readMemo(source: Source): Memo {
  const type = source.uint();
  switch (type) {
    case MemoType.NONE:
      return { type };
    case MemoType.TEXT:
      return { type, text: source.string(28) };
    case MemoType.ID:
      return { type, id: source.uhyper() };
    case MemoType.HASH:
      return { type, hash: source.fixed(32) };
    default:
      throw new Error("bad memo type");
  }
}

function readAsset(source: Source): Asset {
  const type = source.uint();
  if (type === AssetType.NATIVE) return { type };
  if (type !== AssetType.CREDIT) throw new Error("bad asset type");
  return { type, credit: { code: source.fixed(4), issuer: source.fixed(32) } };
}

function readBody(source: Source): Body {
  const type = source.uint();
  switch (type) {
    case OperationType.CREATE:
      return { type, create: { destination: source.fixed(32), balance: source.hyper() } };
    case OperationType.PAYMENT:
      return { type, payment: { destination: source.fixed(32), asset: readAsset(source), amount: source.hyper() } };
    case OperationType.DATA:
      return { type, data: { name: source.string(64), value: source.present() ? source.opaque(64) : null } };
    case OperationType.BUMP:
      return { type, bump: source.hyper() };
    default:
      throw new Error("bad operation type");
  }
}

/** Large enough for the longest value that the maximums of the types allow. */
const target = new Uint8Array(128 * 1024);
const view = new DataView(target.buffer);
let at = 0;

function encode<T>(value: T, write: (value: T) => void): Uint8Array {
  at = 0;
  write(value);
  return target.slice(0, at);
}

function uint(value: number): void {
  view.setUint32(at, value);
  at += 4;
}

function hyper(value: bigint): void {
  view.setBigInt64(at, value);
  at += 8;
}

function pad(length: number): void {
  for (let i = -length & 3; i > 0; i--) target[at++] = 0;
}

function fixed(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError("bad length");
  target.set(bytes, at);
  at += length;
  pad(length);
}

function opaque(bytes: Uint8Array, maximum: number): void {
  if (bytes.length > maximum) throw new RangeError("too long");
  uint(bytes.length);
  fixed(bytes, bytes.length);
}

function string(value: string, maximum: number): void {
  const { read, written } = text.encodeInto(value, target.subarray(at + 4, at + 4 + maximum));
  if (read !== value.length) throw new RangeError("too long");
  uint(written);
  at += written;
  pad(written);
}

function count(list: readonly unknown[], maximum: number): void {
  if (list.length > maximum) throw new RangeError("too many");
  uint(list.length);
}

function writeFile({ filename, type, owner, data }: File): void {
  string(filename, 255);
  uint(type.kind);
  if (type.kind === FileKind.DATA) string(type.creator, 255);
  else if (type.kind === FileKind.EXEC) string(type.interpretor, 255);
  string(owner, 32);
  opaque(data, 65535);
}

function writeTransaction({ source, fee, sequence, bounds, memo, operations, signatures }: Transaction): void {
  fixed(source, 32);
  uint(fee);
  hyper(sequence);
  uint(bounds === null ? 0 : 1);
  if (bounds !== null) {
    hyper(bounds.min);
    hyper(bounds.max);
  }
  writeMemo(memo);
  count(operations, 100);
  for (const { source, body } of operations) {
    uint(source === null ? 0 : 1);
    if (source !== null) fixed(source, 32);
    writeBody(body);
  }
  count(signatures, 20);
  for (const { hint, signature } of signatures) {
    fixed(hint, 4);
    opaque(signature, 64);
  }
}

function writeMemo(memo: Memo): void {
  uint(memo.type);
  if (memo.type === MemoType.TEXT) string(memo.text, 28);
  else if (memo.type === MemoType.ID) hyper(memo.id);
  else if (memo.type === MemoType.HASH) fixed(memo.hash, 32);
}

function writeAsset(asset: Asset): void {
  uint(asset.type);
  if (asset.type === AssetType.NATIVE) return;
  fixed(asset.credit.code, 4);
  fixed(asset.credit.issuer, 32);
}

function writeBody(body: Body): void {
  uint(body.type);
  switch (body.type) {
    case OperationType.CREATE:
      fixed(body.create.destination, 32);
      hyper(body.create.balance);
      break;
    case OperationType.PAYMENT:
      fixed(body.payment.destination, 32);
      writeAsset(body.payment.asset);
      hyper(body.payment.amount);
      break;
    case OperationType.DATA:
      string(body.data.name, 64);
      uint(body.data.value === null ? 0 : 1);
      if (body.data.value !== null) opaque(body.data.value, 64);
      break;
    case OperationType.BUMP:
      hyper(body.bump);
  }
}
