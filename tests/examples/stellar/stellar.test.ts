// Compares the types that are compiled from examples/stellar/*.x with @stellar/stellar-sdk, and runs examples/stellar.ts.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { StrKey, TransactionBuilder } from "@stellar/stellar-sdk/base";
import * as sdk from "@stellar/stellar-sdk/xdr";
import { parseFilesSync } from "whereabouts/xdr/compiler";
import envelopes from "../../../bench/xdr/stellar-envelopes.json";
import { TransactionEnvelope } from "../../../examples/stellar/generated/stellar.ts";
import { type Json, SchemaJson } from "../../../examples/stellar/json.ts";
import { SHORT_FORMS } from "../../../examples/stellar/short-forms.ts";
import { Random } from "../../support/random.ts";
import { RandomValues } from "./random-values.ts";

const EXAMPLES = join(import.meta.dir, "../../../examples");
const TYPE = "stellar::TransactionEnvelope";
const schema = parseFilesSync([join(EXAMPLES, "stellar/transaction.x")], (path) => readFileSync(path, "utf8"));
const all = Object.values(envelopes);
const bytesOf = (base64: string) => Uint8Array.fromBase64(base64);

/** A value as both have it: the SDK writes names in another case, and wraps strings. */
function plain(value: unknown): unknown {
  if (value instanceof sdk.XdrString) return value.bytes;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name.replaceAll("_", "").toLowerCase(), plain(part)]),
  );
}

describe("the compiled types of an envelope", () => {
  test("read the envelopes of stellar-sdk with the same content, and write the same bytes", () => {
    for (const envelope of all) {
      const value = TransactionEnvelope.decode(bytesOf(envelope));
      expect(plain(value)).toEqual(plain(sdk.TransactionEnvelope.schema.decode(bytesOf(envelope))));
      expect(TransactionEnvelope.encode(value).toBase64()).toBe(envelope);
      expect(TransactionEnvelope.size(value)).toBe(bytesOf(envelope).length);
    }
  });

  test("write random envelopes that stellar-sdk reads with the same content, and back", () => {
    const random = new RandomValues(schema, new Random(8));
    for (let i = 0; i < 150; i += 1) {
      const value = random.make(TYPE) as TransactionEnvelope;
      const bytes = TransactionEnvelope.encode(value);
      const theirs = sdk.TransactionEnvelope.schema.decode(bytes);
      expect(plain(theirs)).toEqual(plain(value));
      expect<Uint8Array>(sdk.TransactionEnvelope.schema.encode(theirs)).toEqual(bytes);
      expect(TransactionEnvelope.decode(bytes)).toEqual(value);
    }
  });

  test("accept and refuse the same changed bytes as stellar-sdk", () => {
    const random = new Random(5);
    let accepted = 0;
    for (let i = 0; i < 1500; i += 1) {
      const bytes = bytesOf(random.pick(all));
      if (bytes.length > 2000) continue;
      const at = random.below(bytes.length / 4) * 4;
      if (random.once(4)) bytes.set(random.bytes(4), at);
      else bytes[at + 3] = random.below(30);
      const changed = random.once(5) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
      const isValid = sdk.TransactionEnvelope.schema.validateXdr(changed);
      expect(TransactionEnvelope.tryDecode(changed).ok).toBe(isValid);
      if (isValid) accepted += 1;
    }
    expect(accepted).toBeWithin(150, 1250);
  });

  test("write a transaction that stellar-sdk takes for the one that was meant", () => {
    const account = new Uint8Array(32).fill(1);
    const envelope: TransactionEnvelope = {
      type: 2,
      v1: {
        tx: {
          sourceAccount: { type: 0, ed25519: account },
          fee: 100,
          seqNum: 7n,
          cond: { type: 0 },
          memo: { type: 1, text: new TextEncoder().encode("hello") },
          operations: [{ sourceAccount: null, body: { type: 11, bumpSequenceOp: { bumpTo: 2n ** 62n } } }],
          ext: { v: 0 },
        },
        signatures: [],
      },
    };
    const read = TransactionBuilder.fromXdr(TransactionEnvelope.encode(envelope).toBase64(), "a network");
    expect(read.operations).toMatchObject([{ type: "bumpSequence", bumpTo: "4611686018427387904" }]);
    expect(read).toMatchObject({ sequence: "7", fee: "100", source: StrKey.encodeEd25519PublicKey(account) });
  });
});

describe("SchemaJson", () => {
  const forms = [new SchemaJson(schema), new SchemaJson(schema, SHORT_FORMS)];
  const reread = (json: Json): Json => JSON.parse(JSON.stringify(json));

  test("loses nothing of the envelopes of stellar-sdk, nor of random ones", () => {
    const random = new RandomValues(schema, new Random(9));
    const values = [...all.map((envelope) => TransactionEnvelope.decode(bytesOf(envelope)))];
    for (let i = 0; i < 50; i += 1) values.push(random.make(TYPE));
    for (const json of forms) {
      for (const value of values) expect(json.fromJson(TYPE, reread(json.toJson(TYPE, value)))).toEqual(value);
    }
  });

  test("names the part of the JSON that is wrong", () => {
    const json = forms[1]!;
    const { payment } = envelopes;
    const text = JSON.stringify(json.toJson(TYPE, TransactionEnvelope.decode(bytesOf(payment))));
    const changed = (from: string | RegExp, to: string) => {
      const other = text.replace(from, to);
      expect(other).not.toBe(text);
      return () => json.fromJson(TYPE, JSON.parse(other));
    };
    const operation = "v1.tx.operations[0].body";
    expect(changed('"fee":100', '"fe":100')).toThrow('v1.tx: expected a field "fee"');
    expect(changed('"fee":100', '"fee":100,"tip":1')).toThrow('v1.tx: there is no field "tip" here');
    expect(changed('"fee":100', '"fee":"100"')).toThrow('v1.tx.fee: expected a number, got "100"');
    expect(changed('"PAYMENT"', '"PAYMNT"')).toThrow(
      `${operation}.type: expected a member of OperationType, got "PAYMNT"`,
    );
    expect(changed('"PAYMENT"', '"INFLATION"')).toThrow(`${operation}: there is no field "paymentOp" here`);
    expect(changed('"amount":"', '"amount":"x')).toThrow(`${operation}.paymentOp.amount: expected digits in a string`);
    expect(changed('"destination":"G', '"destination":"H')).toThrow(
      `${operation}.paymentOp.destination: not an address`,
    );
    expect(changed('"assetCode":"USD"', '"assetCode":"US Dollar"')).toThrow("1 to 4 letters and digits");
    expect(changed('"hint":"', '"hint":"0')).toThrow("v1.signatures[0].hint: expected pairs of hex digits");
    expect(changed(/"operations":\[(.*?)\],"ext"/, '"operations":$1,"ext"')).toThrow(
      "v1.tx.operations: expected an array",
    );
    expect(changed(/^.*$/, "null")).toThrow("top level: expected an object, got null");
  });
});

describe("examples/stellar.ts", () => {
  function run(args: string[], input = "") {
    const command = [process.execPath, join(EXAMPLES, "stellar.ts"), ...args];
    const { stdout, stderr, exitCode } = Bun.spawnSync(command, { stdin: new TextEncoder().encode(input) });
    return { out: stdout.toString(), error: stderr.toString(), exitCode };
  }

  test("prints an envelope as JSON, and makes the same envelope of that", () => {
    const { out, error, exitCode } = run(["decode", envelopes.payment]);
    expect({ error, exitCode }).toEqual({ error: "", exitCode: 0 });
    expect(out).toContain('"destination": "GCATS5YOVB6ROX2WUNKGNQ2MP3GMXDMKSG2O4N5CLX3A6W4PZGZZI55U"');
    expect(out).toContain('"assetCode": "USD"');
    expect(out).toContain('"text": "grüße"');
    expect(run(["encode"], out)).toEqual({ out: `${envelopes.payment}\n`, error: "", exitCode: 0 });
  });

  test("says what is wrong", () => {
    expect(run([])).toMatchObject({ out: "", error: expect.stringContaining("usage"), exitCode: 2 });
    expect(run(["decode", "no base64!"])).toMatchObject({ error: expect.stringContaining("base64"), exitCode: 1 });
    expect(run(["decode"], `${envelopes.payment.slice(0, 100)}\n`)).toEqual({
      out: "",
      error: "v1.tx.memo.type: expected 4 bytes, but 3 are left (at byte 72)\n",
      exitCode: 1,
    });
    expect(run(["encode", "{}"])).toEqual({
      out: "",
      error: 'top level: expected a field "type", got {}\n',
      exitCode: 1,
    });
  });
});
