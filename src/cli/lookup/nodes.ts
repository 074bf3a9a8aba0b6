/** Lookups of nodes: NodeIDs of any bytes, asked for over UDP. */
import type { Command } from "commander";
import stringWidth from "string-width";
import { MAX_ID_LENGTH } from "../../../assembly/layout.ts";
import type { LookupResult } from "../../client/index.ts";
import { nodeIdToText } from "../../codec/index.ts";
import { nodeIdOfDeviceId } from "../../syncthing/device-id.ts";
import { startDiscoverer } from "../discoverer.ts";
import { errorText } from "../errors.ts";
import { pad } from "../terminal/columns.ts";
import { printError } from "../terminal/output.ts";
import { nodeIdJson, type Style, showAddress, showAge, showNodeId, styleFor } from "../terminal/style.ts";
import { givenIds, type IdKind, IdLines } from "./input.ts";
import { type LookupFlags, printLookups } from "./run.ts";

/** A longer NodeID overflows its column, so that the column does not become this wide for all NodeIDs. */
const MAX_ID_COLUMN = 64;

export const NODE_IDS: IdKind<Uint8Array> = {
  noun: "node",
  name: "NodeID",
  longest: MAX_ID_LENGTH,
  parse(bytes) {
    if (bytes.length > 0 && bytes.length <= MAX_ID_LENGTH) return bytes;
    throw new RangeError(`it must have 1 to ${MAX_ID_LENGTH} bytes, not ${bytes.length}`);
  },
};

export async function lookUpNodes(texts: readonly string[], flags: LookupFlags, command: Command): Promise<void> {
  const { servers, lan, json, timeout } = flags;
  const given = givenIds(texts, NODE_IDS, command);
  const columns = new Columns(servers, styleFor(process.stdout));
  // If all NodeIDs are known at the start, their column is right from the first line on.
  for (const id of given ?? []) columns.widen(id);
  await using discoverer = await startDiscoverer({ servers, lan }, command);
  // A list may be so long that twice as many queries meet the server's limit.
  const confirm = given !== undefined;
  let hint: string | undefined;
  await printLookups({
    kind: NODE_IDS,
    given,
    lines: new IdLines(NODE_IDS),
    onError: (report) => void discoverer.on("error", report),
    lookUp: (ids) => discoverer.lookupMany(columns.widenFor(ids), { timeout, confirm }),
    found({ nodeId, address }) {
      if (address === undefined) hint ??= hintFor(nodeId);
      return address !== undefined;
    },
    show: (result) => (json ? lookupJson(result) : columns.line(result, Date.now())),
    ...{ json, timeout, command },
  });
  if (hint !== undefined) printError(`whereabouts: ${hint}`);
}

/** A hint for a NodeID that was not found: if it is a device ID with check characters, no node has it. */
function hintFor(nodeId: Uint8Array): string | undefined {
  const text = nodeIdToText(nodeId) ?? "";
  const plain = nodeIdOfDeviceId(text);
  if (plain === undefined) return undefined;
  return `${text.slice(0, 7)}… is a device ID of today's Syncthing: look it up with --syncthing, or at an https:// server; servers of nodes know it as ${plain}`;
}

/** Formats results in columns. Results are printed before all are known, so columns grow as longer values arrive. */
export class Columns {
  readonly #style: Style;
  #id = 0;
  #address = "255.255.255.255:65535".length;
  readonly #via: number;

  constructor(servers: readonly string[], style: Style) {
    this.#style = style;
    this.#via = Math.max(...["lan", ...servers].map((server) => server.length));
  }

  /** Yields each of `ids`, and makes the NodeID column wide enough for it. */
  async *widenFor(ids: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const id of ids) {
      this.widen(id);
      yield id;
    }
  }

  /** Makes the NodeID column wide enough for `id`. */
  widen(id: Uint8Array): void {
    const width = stringWidth(showNodeId(id));
    if (width <= MAX_ID_COLUMN) this.#id = Math.max(this.#id, width);
  }

  line({ nodeId, address, error }: LookupResult, now: number): string {
    const { bold, dim, green, yellow } = this.#style;
    const id = bold(pad(showNodeId(nodeId), this.#id));
    if (error !== undefined) return `${id}  ${yellow("no server reached")}`;
    if (address === undefined) return `${id}  ${yellow("not found")}`;
    const where = showAddress(address);
    this.#address = Math.max(this.#address, where.length);
    const how = `via ${pad(address.via, this.#via)}  ${showAge(now - address.seenAt)}`;
    return `${id}  ${green(pad(where, this.#address))}  ${dim(how)}`;
  }
}

export function lookupJson({ nodeId, address, error }: LookupResult): string {
  if (address === undefined) {
    return JSON.stringify({ ...nodeIdJson(nodeId), found: false, ...(error && { error: errorText(error) }) });
  }
  const { ip, port, via, seenAt } = address;
  return JSON.stringify({ ...nodeIdJson(nodeId), found: true, ip, port, via, seenAt });
}
