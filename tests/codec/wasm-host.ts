/**
 * A host of codec.wasm that uses only what docs/codec-wasm.md says: it reads names, offsets and statuses from the
 * tables there. It finds every byte of the memory that a call changes.
 */
import { readFileSync } from "node:fs";
import type { Random } from "../support/random.ts";

export const PAGE = readFileSync(new URL("../../docs/codec-wasm.md", import.meta.url), "utf8");
export const MODULE = moduleOf("codec.wasm");
/** The other build, which has the same interface. */
export const SIMD_MODULE = moduleOf("codec-simd.wasm");

function moduleOf(file: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(new URL(import.meta.resolve(`whereabouts/${file}`))));
}

/** The rows, without backticks, of the only table on the page with this header. */
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

/** The numbers in the first column, by the names in the second. */
function numbers(rows: string[][]): Readonly<Record<string, number>> {
  return Object.fromEntries(rows.map(([number, name]) => [name!, Number(number)]));
}

/** Offsets of the words that decoding writes, by name. */
export const FIELDS = numbers(table("offset", "word", "announcement", "query", "not a packet"));
/** Offsets of the words in an entry of the table of a batch. */
export const ENTRY = numbers(table("offset", "word"));
/** Numbers of the columns, by name. */
export const COLUMNS = numbers(table("column", "array", "announcement", "query", "not a packet"));
const STATUSES = table("status", "name", "the bytes", "the error is at byte");
export const STATUS = numbers(STATUSES);
export const STATUS_NAMES = Object.fromEntries(Object.entries(STATUS).map(([name, status]) => [status, name]));

/**
 * The offset of the error with this status, according to the page.
 *
 * @param datagram - the bytes, on which some offsets depend
 * @throws {Error} if the page describes the offset in words that this function does not know
 */
export function errorOffset(status: number, datagram: Uint8Array): number | undefined {
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
  throw new Error(`docs/codec-wasm.md puts the error of status ${status} at ${words}`);
}

/** The parameters of each exported function; `undefined` for the memory. */
export const EXPORTS = new Map(
  table("export", "is").map(([name, is]): [string, string[] | undefined] => {
    const parameters = /^\(([^)]*)\) ->/.exec(is!)?.[1];
    return [name!, parameters?.split(", ")];
  }),
);

export const FIELDS_SIZE = 32;
/** How many of these bytes decoding writes for a packet, and for bytes that are not a packet. */
const WRITTEN = 24;
const WRITTEN_ON_ERROR = 4;
export const ENTRY_SIZE = 8;

/** The ranges that a call may write. */
export type Ranges = readonly (readonly [at: number, length: number])[];

export class Host {
  readonly #exports: WebAssembly.Instance["exports"];
  /** A view of the memory. It is replaced when the memory grows. */
  bytes: Uint8Array;
  #before: Uint8Array;

  /** Fills the memory with random bytes, so that no test passes because of zeros. */
  constructor(random: Random, module = MODULE) {
    this.#exports = new WebAssembly.Instance(module).exports;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.#before = this.bytes.slice();
    this.fill(random);
  }

  get memory(): WebAssembly.Memory {
    return this.#exports.memory as WebAssembly.Memory;
  }

  /** Fills a range with random bytes, by default the whole memory. */
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

  /** A word of the decoded fields at `fields`. */
  field(fields: number, name: string): number {
    return this.word(fields + FIELDS[name]!);
  }

  /**
   * Calls an export and returns its result as an unsigned number.
   *
   * @param writes - the ranges that the call may write, given its result
   * @throws {Error} if it wrote anywhere else
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
    if (from > to) throw new Error("ranges must be in order");
    if (Buffer.compare(this.bytes.subarray(from, to), this.#before.subarray(from, to)) === 0) return;
    const at = this.bytes.findIndex((byte, i) => i >= from && byte !== this.#before[i]);
    throw new Error(`${name} wrote at ${at}, where it must not`);
  }

  decode(at: number, size: number, fields: number): number {
    return this.call("decode", { at, size, fields }, (status) => [[fields, writtenFor(status)]]);
  }
}

/** How many bytes of the fields decoding writes. */
export function writtenFor(status: number): number {
  return status === STATUS.announcement || status === STATUS.query ? WRITTEN : WRITTEN_ON_ERROR;
}

/** The encoded size of a packet. */
export function sizeOf(type: "announcement" | "query", length: number, ipLength: number): number {
  const padded = length + ((4 - (length % 4)) % 4);
  return type === "query" ? 8 + padded : 16 + padded + ipLength;
}
