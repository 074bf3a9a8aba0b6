// Transaction envelopes of the Stellar network as JSON and back:
//
//     bun examples/stellar.ts decode BASE64
//     bun examples/stellar.ts encode JSON
//
// Without BASE64 or JSON they are read from the standard input. The structures are in stellar/*.x, compiled by
// `whereabouts xdr` to stellar/generated/stellar.ts (README.md has the command).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseFilesSync } from "whereabouts/xdr/compiler";
import { TransactionEnvelope } from "./stellar/generated/stellar.ts";
import { SchemaJson } from "./stellar/json.ts";
import { SHORT_FORMS } from "./stellar/short-forms.ts";

const TYPE = "stellar::TransactionEnvelope";
const [command, argument] = process.argv.slice(2);
const schema = parseFilesSync([join(import.meta.dir, "stellar/transaction.x")], (path) => readFileSync(path, "utf8"));
const json = new SchemaJson(schema, SHORT_FORMS);

/** What the commands print. Strings are bytes here, because the memo of a transaction need not be text. */
const COMMANDS: { readonly [name: string]: (input: string) => string } = {
  decode: (input) =>
    JSON.stringify(json.toJson(TYPE, TransactionEnvelope.decode(Uint8Array.fromBase64(input))), null, 2),
  encode: (input) =>
    TransactionEnvelope.encode(json.fromJson(TYPE, JSON.parse(input)) as TransactionEnvelope).toBase64(),
};

const run = COMMANDS[command ?? ""];
if (run === undefined) {
  console.error("usage: bun examples/stellar.ts decode [BASE64] | encode [JSON]");
  process.exit(2);
}
try {
  console.log(run((argument ?? readFileSync(0, "utf8")).trim()));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
