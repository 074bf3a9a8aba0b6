/**
 * Groups. On the wire a node of a group is a node like any other: its NodeID begins with the group's name and a slash. Within the
 * group, NodeIDs are without them.
 */
import { nodeIdBytes, utf8 } from "./node-id.ts";

/** Ends the group's name, which therefore cannot contain it. */
export const GROUP_END = "/";
/** In bytes: leaves half of the 64 bytes that servers accept by default for the NodeID in the group. */
export const MAX_GROUP_LENGTH = 31;

/** Converts NodeIDs of a group to those on the wire and back. Without a group they are the same. */
export class Group {
  readonly #prefix: Uint8Array;

  /** @param name - as checked by `startSettings` */
  constructor(name: string | undefined) {
    this.#prefix = utf8(name === undefined ? "" : name + GROUP_END);
  }

  /** @throws {TypeError} if it is neither text nor bytes, {RangeError} if it is empty, or too long with the group's name */
  toWire(nodeId: string | Uint8Array): Uint8Array {
    const bytes = nodeIdBytes(nodeId);
    if (this.#prefix.length === 0) return bytes;
    const wire = new Uint8Array(this.#prefix.length + bytes.length);
    wire.set(this.#prefix);
    wire.set(bytes, this.#prefix.length);
    return nodeIdBytes(wire, "a NodeID with its group");
  }

  /** Whether the `length` bytes at `offset` are the NodeID of a node of this group. Allocates nothing. */
  includes(bytes: Uint8Array, offset: number, length: number): boolean {
    const prefix = this.#prefix;
    if (length === 0 || length <= prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (bytes[offset + i] !== prefix[i]) return false;
    return true;
  }

  /** A view of a NodeID on the wire for which {@link includes} is true. */
  fromWire(nodeId: Uint8Array): Uint8Array {
    return nodeId.subarray(this.#prefix.length);
  }
}
