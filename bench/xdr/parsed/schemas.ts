/** Schemas in the XDR language, parsed. Their sources are in the bundle, so that a browser has them too. */

import counters from "../../../examples/sflow/counters.x" with { type: "text" };
import datagram from "../../../examples/sflow/datagram.x" with { type: "text" };
import assets from "../../../examples/stellar/assets.x" with { type: "text" };
import contract from "../../../examples/stellar/contract.x" with { type: "text" };
import ledgerKey from "../../../examples/stellar/ledger-key.x" with { type: "text" };
import operations from "../../../examples/stellar/operations.x" with { type: "text" };
import soroban from "../../../examples/stellar/soroban.x" with { type: "text" };
import transaction from "../../../examples/stellar/transaction.x" with { type: "text" };
import types from "../../../examples/stellar/types.x" with { type: "text" };
import { parseFilesSync, type Schema } from "../../../src/xdr/compiler/index.ts";
import bench from "../types.x" with { type: "text" };

const FILES: { readonly [path: string]: string } = {
  "assets.x": assets,
  "contract.x": contract,
  "counters.x": counters,
  "datagram.x": datagram,
  "ledger-key.x": ledgerKey,
  "operations.x": operations,
  "soroban.x": soroban,
  "transaction.x": transaction,
  "types.x": types,
};

/** The files of the examples that are schemas of their own. */
export const EXAMPLES = ["transaction.x", "counters.x"] as const;

/** The schema of a file of the examples, and of what it includes. */
export function parseExample(path: string): Schema {
  return parseFilesSync([path], (path) => FILES[path]);
}

export const stellarSchema = (): Schema => parseExample("transaction.x");
export const sflowSchema = (): Schema => parseExample("counters.x");
export const benchSchema = (): Schema => schemaOf(bench);
/** The schema of a source that includes nothing. */
export function schemaOf(source: string): Schema {
  return parseFilesSync(["source.x"], () => source);
}
