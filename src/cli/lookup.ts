/** `whereabouts lookup`: where nodes are, asked of servers and of the LAN. */
import { isatty } from "node:tty";
import { Command } from "commander";
import type { LookupResult } from "../client/index.ts";
import { complain, Lines, startDiscoverer } from "./terminal/output.ts";
import { nodeIdJson, pad, type Style, showAddress, showAge, showNodeId, styleFor, visible } from "./terminal/style.ts";
import { flag, isOn, MAX_NODE_ID, seconds, servers } from "./values.ts";

const TIMEOUT_S = 5;
/** Nodes announce themselves on the LAN every 30 s, and nothing makes them do so earlier. */
const LAN_TIMEOUT_S = 35;
/** A NodeID that is longer stands out of its column; it does not make the column of all others as wide. */
const WIDEST = 64;
const LINE_FEED = 10;
const RETURN = 13;

const HELP = `
A server is HOST, HOST:PORT, 192.0.2.1, 2001:db8::1 or [2001:db8::1]:PORT; the port is 22025 by default.
With "-" or without IDs, they come from standard input, one a line. Answers are printed as they come.
Exits with 0 when all were found, 1 when some were not, 2 when it was used wrongly.

Examples:
  whereabouts lookup NODE-A NODE-B --server discovery.example.org
  whereabouts lookup NODE-A --lan
  whereabouts lookup --server 192.0.2.1:22025 --json <ids.txt
    {"nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","found":true,"ip":"192.0.2.7","port":22000,"via":"192.0.2.1:22025","seenAt":1767225600000}
    {"nodeId":"NODE-B","nodeIdHex":"4e4f44452d42","found":false}
"nodeId" is null where the bytes of a NodeID are no printable text; "seenAt" is in milliseconds since 1970.`;

interface Flags {
  readonly server: readonly string[];
  readonly timeout?: number;
}

export function lookupCommand(): Command {
  return new Command("lookup")
    .description("Look nodes up: a line for each, with its address or that it was not found.")
    .argument("[id...]", 'NodeIDs, or "-" to read them from standard input')
    .addOption(
      flag("--server <host[:port]>", "server to ask; may be given again").argParser(servers).default([], "none"),
    )
    .addOption(flag("--lan", "listen on the LAN as well, where nodes announce themselves every 30 s"))
    .addOption(
      flag(
        "--timeout <seconds>",
        `how long to wait for an answer (default: ${TIMEOUT_S}, with --lan ${LAN_TIMEOUT_S})`,
      ).argParser(seconds(0.1, 86_400)),
    )
    .addOption(flag("--json", "a JSON object a line"))
    .addHelpText("after", HELP)
    .action(lookup);
}

async function lookup(ids: readonly string[], flags: Flags, command: Command): Promise<void> {
  const lan = isOn(command, "lan");
  const json = isOn(command, "json");
  if (flags.server.length === 0 && !lan) {
    command.error("error: nowhere to look: give --server HOST, or --lan, or both", { exitCode: 2 });
  }
  const given = ids.length === 0 || ids.includes("-") ? undefined : ids.map((id, i) => check(id, i, command));
  if (given === undefined && ids.length > 1) command.error('error: "-" must be the only argument', { exitCode: 2 });
  if (ids.length === 0 && isatty(0)) {
    command.error('error: nothing to look up: give NodeIDs, or "-" to type them line by line', { exitCode: 2 });
  }
  const input = new IdLines();
  const columns = new Columns(flags.server, styleFor(process.stdout));
  const timeout = 1000 * (flags.timeout ?? (lan ? LAN_TIMEOUT_S : TIMEOUT_S));
  await using discoverer = await startDiscoverer({ servers: flags.server, lan }, command);
  const said = new Set<string>();
  discoverer.on("error", (error) => {
    // Look-ups try again and again; that they fail is said once.
    if (said.has(error.message)) return;
    said.add(error.message);
    complain(`whereabouts: error: ${visible(error.message)}`);
  });
  const lines = new Lines();
  // Standard input may still be open then, and its reading does not end by itself.
  void lines.gone.then(() => process.exit(0));
  let missing = 0;
  try {
    const nodeIds = columns.expect(given ?? input.read(Bun.stdin.stream()));
    for await (const result of discoverer.lookupMany(nodeIds, { timeout })) {
      if (result.address === undefined) missing++;
      await lines.add(json ? lookupJson(result) : columns.line(result, Date.now()));
    }
    await lines.flush();
  } catch (error) {
    // Standard input is a directory, the disk is full: nothing that a stack would explain.
    if (!(error instanceof Error && "syscall" in error)) throw error;
    command.error(`error: ${error.message}`, { exitCode: 1 });
  }
  if (input.wrong !== undefined) command.error(`error: ${input.wrong}`, { exitCode: 2 });
  if (missing > 0) process.exitCode = 1;
}

function check(text: string, index: number, command: Command): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 0 && bytes.length <= MAX_NODE_ID) return bytes;
  const why = `it must have 1 to ${MAX_NODE_ID} bytes, not ${bytes.length}`;
  return command.error(`error: argument ${index + 1} is no NodeID: ${why}`, { exitCode: 2 });
}

/** NodeIDs from the lines of a stream, as bytes, whatever they are. Empty lines are none. */
export class IdLines {
  /** Which line was no NodeID: it ended the reading. */
  wrong: string | undefined;

  async *read(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    let begun = new Uint8Array(0);
    let number = 0;
    for await (const chunk of stream) {
      const bytes = begun.length === 0 ? chunk : Buffer.concat([begun, chunk]);
      let from = 0;
      for (let to = bytes.indexOf(LINE_FEED); to !== -1; to = bytes.indexOf(LINE_FEED, from)) {
        const line = withoutReturn(bytes.subarray(from, to));
        from = to + 1;
        number++;
        if (line.length > 0 && !this.#fits(line, number)) return;
        if (line.length > 0) yield line.slice();
      }
      begun = bytes.slice(from);
      // It gets no shorter: what comes without line feeds must not fill the memory.
      if (begun.length > MAX_NODE_ID + 1 && !this.#fits(begun, number + 1)) return;
    }
    const line = withoutReturn(begun);
    if (line.length > 0 && this.#fits(line, number + 1)) yield line;
  }

  #fits(line: Uint8Array, number: number): boolean {
    if (line.length <= MAX_NODE_ID) return true;
    this.wrong = `line ${number} is no NodeID: it has more than ${MAX_NODE_ID} bytes`;
    return false;
  }
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}

/** Lines in columns, printed before all of them are known: a column grows with what is asked for and what was found. */
export class Columns {
  readonly #style: Style;
  #id = 0;
  #address = "255.255.255.255:65535".length;
  readonly #via: number;

  constructor(servers: readonly string[], style: Style) {
    this.#style = style;
    this.#via = Math.max(...["lan", ...servers].map((server) => server.length));
  }

  /** Passes NodeIDs on that will have a line each. */
  async *expect(ids: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    // NodeIDs that are known from the start have their column from the first line on.
    if (Array.isArray(ids)) for (const id of ids) this.#widen(id);
    for await (const id of ids) {
      this.#widen(id);
      yield id;
    }
  }

  #widen(id: Uint8Array): void {
    const width = Bun.stringWidth(showNodeId(id));
    if (width <= WIDEST) this.#id = Math.max(this.#id, width);
  }

  line({ nodeId, address }: LookupResult, now: number): string {
    const { bold, dim, green, yellow } = this.#style;
    const id = bold(pad(showNodeId(nodeId), this.#id));
    if (address === undefined) return `${id}  ${yellow("not found")}`;
    const where = showAddress(address);
    this.#address = Math.max(this.#address, where.length);
    const how = `via ${pad(address.via, this.#via)}  ${showAge(now - address.seenAt)}`;
    return `${id}  ${green(pad(where, this.#address))}  ${dim(how)}`;
  }
}

export function lookupJson({ nodeId, address }: LookupResult): string {
  if (address === undefined) return JSON.stringify({ ...nodeIdJson(nodeId), found: false });
  const { ip, port, via, seenAt } = address;
  return JSON.stringify({ ...nodeIdJson(nodeId), found: true, ip, port, via, seenAt });
}
