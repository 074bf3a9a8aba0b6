/** `whereabouts lookup`: asks servers and the LAN for the addresses of nodes. */

import { isatty } from "node:tty";
import { Command } from "commander";
import stringWidth from "string-width";
import { MAX_ID_LENGTH } from "../../assembly/layout.ts";
import type { DiscoveryError, LookupResult } from "../client/index.ts";
import { addDiscovererFlags, startDiscoverer } from "./discoverer.ts";
import { errorText, failOnStreamError } from "./errors.ts";
import { standardInput } from "./terminal/input.ts";
import { Lines, printError } from "./terminal/output.ts";
import { StatusLine } from "./terminal/status.ts";
import { count, nodeIdJson, pad, type Style, showAddress, showAge, showNodeId, styleFor } from "./terminal/style.ts";
import { flag, isOn, seconds, servers } from "./values.ts";

const TIMEOUT_S = 5;
/** The exit code if no server could be reached: the nodes may well be known there. */
const UNREACHABLE = 3;
/** A longer NodeID overflows its column, so that the column does not become this wide for all NodeIDs. */
const MAX_ID_COLUMN = 64;
const LINE_FEED = 10;
const RETURN = 13;

const HELP = `
A server is HOST, HOST:PORT, 192.0.2.1, 2001:db8::1 or [2001:db8::1]:PORT; the port is 22025 by default.
With "-" or without IDs, NodeIDs are read from standard input, one per line. Results are printed as they arrive.
For IDs that are arguments, two sockets must get the same answer, which protects from forged ones.
On the LAN, nodes of this program answer at once. Others announce themselves every 30 s: --timeout 35 waits for them.
Exit code 0: all were found. 1: some were not found, or an error. 2: wrong use. 3: for some, no server could be reached.

Examples:
  whereabouts lookup NODE-A NODE-B --server discovery.example.org
  whereabouts lookup NODE-A --lan --group my-app
  whereabouts lookup --server 192.0.2.1:22025 --json <ids.txt
    {"nodeId":"NODE-A","nodeIdHex":"4e4f44452d41","found":true,"ip":"192.0.2.7","port":22000,"via":"192.0.2.1:22025","seenAt":1767225600000}
    {"nodeId":"NODE-B","nodeIdHex":"4e4f44452d42","found":false}
    {"nodeId":"NODE-C","nodeIdHex":"4e4f44452d43","found":false,"error":"192.0.2.1: no server listens there"}
"nodeId" is null if the bytes of the NodeID are not printable text; "seenAt" is in milliseconds since 1970.`;

interface Flags {
  readonly server: readonly string[];
  readonly timeout: number;
}

export function lookupCommand(): Command {
  return addDiscovererFlags(new Command("lookup"))
    .description('Look up nodes: prints a line for each, with its address or "not found".')
    .argument("[id...]", 'NodeIDs, or "-" to read them from standard input')
    .addOption(flag("--server <host[:port]>", "server to ask; may be repeated").argParser(servers).default([], "none"))
    .addOption(flag("--lan", "look on the LAN"))
    .addOption(
      flag("--timeout <seconds>", "how long to wait for an answer").argParser(seconds(0.1, 86_400)).default(TIMEOUT_S),
    )
    .addOption(flag("--json", "print a JSON object per line"))
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
  const timeout = 1000 * flags.timeout;
  await using discoverer = await startDiscoverer({ servers: flags.server, lan }, command);
  let pending = 0;
  let deadline = 0;
  const statusText = () => {
    if (pending === 0) return given === undefined ? "waiting for NodeIDs on standard input" : "";
    const left = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
    return `looking for ${count(pending, "node")}, up to ${left} s more`;
  };
  const typed = given === undefined && isatty(0);
  const captured = json && !process.stdout.isTTY;
  using status = process.stderr.isTTY && !typed && !captured ? new StatusLine(statusText) : undefined;

  const reported = new Set<string>();
  // Lookups are retried, so the same error can occur many times. It is reported once.
  const report = (error: DiscoveryError) => {
    if (reported.has(error.message)) return;
    reported.add(error.message);
    status?.hide();
    printError(`whereabouts: error: ${errorText(error)}`);
    status?.show();
  };
  discoverer.on("error", report);
  const lines = new Lines(status);
  // Nobody reads the output any more. Exits at once: a pending read from standard input cannot be cancelled, and would
  // keep the program running.
  void lines.gone.then(() => process.exit(0));
  let missing = 0;
  let unreachable = 0;
  try {
    const nodeIds = columns.widenFor(given ?? input.read(standardInput()), () => {
      pending++;
      deadline = performance.now() + timeout;
    });
    // A list may be so long that twice as many queries meet the server's limit.
    const confirm = given !== undefined;
    for await (const result of discoverer.lookupMany(nodeIds, { timeout, confirm })) {
      pending--;
      if (result.error !== undefined) {
        unreachable++;
        // Usually the errors of the servers were reported already, one by one.
        if (reported.size === 0) report(result.error);
      } else if (result.address === undefined) missing++;
      await lines.add(json ? lookupJson(result) : columns.line(result, Date.now()));
    }
    await lines.flush();
  } catch (error) {
    status?.[Symbol.dispose]();
    // A NodeID that is too long together with the group's name.
    if (error instanceof RangeError) command.error(`error: ${error.message}`, { exitCode: 2 });
    failOnStreamError(error, command);
  }
  status?.[Symbol.dispose]();
  if (input.wrong !== undefined) command.error(`error: ${input.wrong}`, { exitCode: 2 });
  if (unreachable > 0) process.exitCode = UNREACHABLE;
  else if (missing > 0) process.exitCode = 1;
}

function check(text: string, index: number, command: Command): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 0 && bytes.length <= MAX_ID_LENGTH) return bytes;
  const why = `it must have 1 to ${MAX_ID_LENGTH} bytes, not ${bytes.length}`;
  return command.error(`error: argument ${index + 1} is not a NodeID: ${why}`, { exitCode: 2 });
}

/** Reads NodeIDs from the lines of a stream, as bytes of any kind. Empty lines are skipped. */
export class IdLines {
  /** The error, if a line is not a NodeID. Such a line ends the input. */
  wrong: string | undefined;

  async *read(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let rest = new Uint8Array(0);
    let number = 0;
    for await (const chunk of stream) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let to = bytes.indexOf(LINE_FEED); to !== -1; to = bytes.indexOf(LINE_FEED, from)) {
        const line = withoutReturn(bytes.subarray(from, to));
        from = to + 1;
        number++;
        if (line.length > 0 && !this.#fits(line, number)) return;
        if (line.length > 0) yield line.slice();
      }
      rest = bytes.slice(from);
      // Do not wait for the end of a line that is too long: it could fill the memory.
      if (rest.length > MAX_ID_LENGTH + 1 && !this.#fits(rest, number + 1)) return;
    }
    const line = withoutReturn(rest);
    if (line.length > 0 && this.#fits(line, number + 1)) yield line;
  }

  #fits(line: Uint8Array, number: number): boolean {
    if (line.length <= MAX_ID_LENGTH) return true;
    this.wrong = `line ${number} is not a NodeID: it has more than ${MAX_ID_LENGTH} bytes`;
    return false;
  }
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
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

  /** Yields each of `ids`. Before that, it makes the NodeID column wide enough for it, and calls `onNext`. */
  async *widenFor(
    ids: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    onNext?: () => void,
  ): AsyncGenerator<Uint8Array> {
    // If all NodeIDs are known at the start, their column is right from the first line on.
    if (Array.isArray(ids)) for (const id of ids) this.#widen(id);
    for await (const id of ids) {
      this.#widen(id);
      onNext?.();
      yield id;
    }
  }

  #widen(id: Uint8Array): void {
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
