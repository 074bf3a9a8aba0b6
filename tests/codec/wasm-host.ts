/**
 * A host of codec.wasm that knows of it what docs/codec-wasm.md says, and nothing else: names, offsets and statuses come
 * from the tables there. It sees every byte of the memory that a call changes.
 */
import { readFileSync } from "node:fs";
import type { Random } from "../support/random.ts";

export const PAGE = readFileSync(new URL("../../docs/codec-wasm.md", import.meta.url), "utf8");
export const MODULE = new WebAssembly.Module(readFileSync(new URL(import.meta.resolve("whereabouts/codec.wasm"))));

/** The rows of the one table on the page with this head, without backticks. */
function table(...head: string[]): string[][] {
  const tables = [...PAGE.matchAll(/(?:^\|.*\|$\n?)+/gm)].map(([block]) => block.trim().split("\n").map(cellsOf));
  const found = tables.filter(([first]) => first!.join("|") === head.join("|"));
  if (found.length !== 1) throw new Error(`docs/codec-wasm.md has ${found.length} tables of ${head.join(", ")}`);
  return found[0]!.slice(2);
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim().replaceAll("`", ""));
}

/** Rows that start with a number and its name, by name. */
function numbers(rows: string[][]): Readonly<Record<string, number>> {
  return Object.fromEntries(rows.map(([number, name]) => [name!, Number(number)]));
}

/** Offsets of the words that decoding fills in, by name. */
export const FIELDS = numbers(table("offset", "word", "announcement", "query", "not a packet"));
/** Offsets of the words of an entry of a batch's table. */
export const ENTRY = numbers(table("offset", "word"));
const STATUSES = table("status", "name", "the bytes", "the error is at byte");
export const STATUS = numbers(STATUSES);
export const STATUS_NAMES = Object.fromEntries(Object.entries(STATUS).map(([name, status]) => [status, name]));

/**
 * Where the fault is that `status` tells of, as the page has it.
 *
 * @param datagram - the bytes, from which some of it follows
 * @throws {Error} if the page puts it in words that are not known here
 */
export function faultAt(status: number, datagram: Uint8Array): number | undefined {
  const words = STATUSES.find(([number]) => Number(number) === status)?.[3];
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const isQuery = () => view.getUint32(0) === 0x19760309;
  const afterNodeId = () => {
    const id = isQuery() ? 8 : 12;
    return id + Math.ceil(view.getUint32(id - 4) / 4) * 4;
  };
  const choice = /^(\d+) in a query, else (\d+)$/.exec(words ?? "");
  if (words === "") return undefined;
  if (words === "size") return datagram.length;
  if (words !== undefined && /^\d+$/.test(words)) return Number(words);
  if (choice !== null) return Number(choice[isQuery() ? 1 : 2]);
  if (words === "the first after NodeID and padding") return afterNodeId();
  if (words === "the first after the packet") {
    return isQuery() ? afterNodeId() : afterNodeId() + 4 + view.getUint32(afterNodeId());
  }
  throw new Error(`docs/codec-wasm.md has the fault of status ${status} at ${words}`);
}

/** Of what is exported, the parameters of each function; the memory has none. */
export const EXPORTS = new Map(
  table("export", "is").map(([name, is]): [string, string[] | undefined] => {
    const parameters = /^\(([^)]*)\) ->/.exec(is!)?.[1];
    return [name!, parameters?.split(", ")];
  }),
);

export const FIELDS_SIZE = 32;
/** Of these, the bytes that decoding a packet fills in, and those where the bytes are none. */
const WRITTEN = 24;
const WRITTEN_ON_ERROR = 4;
export const ENTRY_SIZE = 8;

/** Addresses and lengths of what a call may write. */
export type Ranges = readonly (readonly [at: number, length: number])[];

export class Host {
  readonly #exports = new WebAssembly.Instance(MODULE).exports;
  /** The memory: new after it has grown. */
  bytes: Uint8Array;
  #before: Uint8Array;

  /** Nothing in the memory is zero by chance. */
  constructor(random: Random) {
    this.bytes = new Uint8Array(this.memory.buffer);
    this.#before = this.bytes.slice();
    this.fill(random);
  }

  get memory(): WebAssembly.Memory {
    return this.#exports.memory as WebAssembly.Memory;
  }

  /** Fills bytes with what is there by chance, all of them unless told otherwise. */
  fill(random: Random, at = 0, length = this.bytes.length): void {
    this.bytes.set(random.bytes(length), at);
  }

  grow(pages: number): void {
    this.memory.grow(pages);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.#before = this.bytes.slice();
  }

  word(at: number): number {
    return new DataView(this.memory.buffer).getUint32(at, true);
  }

  setWord(at: number, value: number): void {
    new DataView(this.memory.buffer).setUint32(at, value, true);
  }

  /** A word of the fields at `fields`. */
  field(fields: number, name: string): number {
    return this.word(fields + FIELDS[name]!);
  }

  /**
   * Calls an export; what it gives, as the unsigned number that it is.
   *
   * @param writes - what it may write, once it has answered
   * @throws {Error} if it wrote anything else
   */
  call(name: string, parameters: Record<string, number>, writes: (result: number) => Ranges): number {
    const names = EXPORTS.get(name);
    if (names === undefined) throw new Error(`docs/codec-wasm.md documents no function ${name}`);
    const values = names.map((name) => parameters[name] as number);
    if (Object.keys(parameters).length !== names.length || values.includes(undefined as never)) {
      throw new Error(`${name} takes ${names.join(", ")}`);
    }
    this.#before.set(this.bytes);
    const result = (this.#exports[name] as (...values: number[]) => number)(...values) >>> 0;
    let from = 0;
    for (const [at, length] of [...writes(result), [this.bytes.length, 0] as const]) {
      this.#unchanged(name, from, at);
      from = at + length;
    }
    return result;
  }

  #unchanged(name: string, from: number, to: number): void {
    if (from > to) throw new Error("ranges are to be given in order");
    if (Buffer.compare(this.bytes.subarray(from, to), this.#before.subarray(from, to)) === 0) return;
    const at = this.bytes.findIndex((byte, i) => i >= from && byte !== this.#before[i]);
    throw new Error(`${name} wrote at ${at}, where it must not`);
  }

  decode(at: number, size: number, fields: number): number {
    return this.call("decode", { at, size, fields }, (status) => [[fields, writtenFor(status)]]);
  }
}

/** How many bytes of its fields decoding writes. */
export function writtenFor(status: number): number {
  return status === STATUS.announcement || status === STATUS.query ? WRITTEN : WRITTEN_ON_ERROR;
}

/** Bytes that a packet takes. */
export function sizeOf(type: "announcement" | "query", length: number, ipLength: number): number {
  const padded = length + ((4 - (length % 4)) % 4);
  return type === "query" ? 8 + padded : 16 + padded + ipLength;
}
