// Checks bench/xdr/stellar-envelopes.json, the envelopes with which the example and the bench are measured against
// @stellar/stellar-sdk.
import { expect, test } from "bun:test";
import type { AnySchema, XdrType } from "@stellar/js-xdr";
import { TransactionEnvelope } from "@stellar/stellar-sdk/xdr";
import envelopes from "../../../bench/xdr/stellar-envelopes.json";
import { sdkEnvelopes } from "./sdk-envelopes.ts";

test("stellar-sdk makes the envelopes of bench/xdr/stellar-envelopes.json", () => {
  expect(sdkEnvelopes()).toEqual(envelopes);
});

test("stellar-sdk reads them, and writes the same bytes", () => {
  for (const envelope of Object.values(envelopes)) {
    expect(TransactionEnvelope.fromXdr(envelope, "base64").toXdr("base64")).toBe(envelope);
  }
});

test("together they have every arm of every union that an envelope can contain", () => {
  const existing = new Set<string>();
  const found = new Set<string>();
  const visited = new Set<AnySchema>();
  // biome-ignore lint/suspicious/noExplicitAny: the schema says what the value is
  function visit(type: XdrType<unknown>, value: any): void {
    const schema = type as AnySchema;
    const isNew = !visited.has(schema);
    visited.add(schema);
    if (value === undefined && !isNew) return;
    switch (schema.kind) {
      case "lazy":
        visit(schema.getSchema(), value);
        break;
      case "struct":
        for (const [name, field] of schema.entries) visit(field, value?.[name]);
        break;
      case "union":
        for (const { name, discriminant, arm } of schema.cases) {
          existing.add(`${schema.name}.${name}`);
          const isFound = value !== undefined && value[schema.switchKey] === discriminant;
          if (isFound) found.add(`${schema.name}.${name}`);
          if ("schema" in arm) visit(arm.schema, isFound ? value[arm.name] : undefined);
        }
        break;
      case "array":
        for (const element of value ?? [undefined]) visit(schema.element, element);
        break;
      case "option":
        visit(schema.element, value ?? undefined);
    }
  }
  for (const envelope of Object.values(envelopes)) {
    visit(TransactionEnvelope.schema, TransactionEnvelope.schema.decode(Uint8Array.fromBase64(envelope)));
  }
  expect(existing.size).toBeGreaterThan(140);
  expect([...existing.difference(found)]).toEqual([]);
});
