/** Maps, programs and their links to interfaces: the system call bpf(2). Each has a descriptor, and exists as long as that is open. */
import { ptr } from "bun:ffi";
import { type Libc, systemError } from "../libc.ts";
import { INSTRUCTION_SIZE } from "./assembler.ts";
import { SYS_BPF } from "./libc.ts";
import type { XdpMode } from "./status.ts";

/* Commands. */
const MAP_CREATE = 0;
const MAP_UPDATE = 2;
const MAP_DELETE = 3;
const PROG_LOAD = 5;
const GET_INFO = 15;
const LINK_CREATE = 28;

/** Types of maps: a hash table, and an array of AF_XDP sockets. */
export const MAP_HASH = 1;
export const MAP_SOCKETS = 17;
/** Memory is taken for the entries of a hash table that are there, not for all that are possible. */
const NO_PREALLOCATION = 1;
const PROGRAM_XDP = 6;
const ATTACH_XDP = 37;

/** XDP_FLAGS_SKB_MODE and XDP_FLAGS_DRV_MODE. */
const MODES: Record<XdpMode, number> = { generic: 2, native: 4 };

/** Size of union bpf_attr as far as it is used here. The kernel takes what lies behind as zero. */
const ATTRIBUTES_SIZE = 72;
/** struct bpf_link_info, and the number of the interface in it. */
const LINK_INFO_SIZE = 32;
const LINK_INTERFACE = 16;
/** Room for the reason why the kernel refuses a program. */
const LOG_SIZE = 64 * 1024;

export class Bpf {
  readonly #libc: Libc;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** @returns the map's descriptor. @throws {Error} a system error */
  createMap(type: number, keySize: number, valueSize: number, entries: number): number {
    return this.#call("BPF_MAP_CREATE", MAP_CREATE, (view) => {
      const flags = type === MAP_HASH ? NO_PREALLOCATION : 0;
      for (const [i, word] of [type, keySize, valueSize, entries, flags].entries()) view.setUint32(i * 4, word, true);
    });
  }

  /** Sets an entry. @throws {Error} a system error */
  setEntry(map: number, key: Uint8Array, value: Uint8Array): void {
    this.#call("BPF_MAP_UPDATE_ELEM", MAP_UPDATE, (view) => {
      view.setUint32(0, map, true);
      setPointer(view, 8, key);
      setPointer(view, 16, value);
    });
  }

  /** Deletes an entry, if there is one. @throws {Error} a system error */
  deleteEntry(map: number, key: Uint8Array): void {
    try {
      this.#call("BPF_MAP_DELETE_ELEM", MAP_DELETE, (view) => {
        view.setUint32(0, map, true);
        setPointer(view, 8, key);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  /** Loads a program. @returns its descriptor. @throws {Error} a system error, with the kernel's reason if it refuses the program */
  loadProgram(instructions: Uint8Array): number {
    const license = new TextEncoder().encode("MIT\0");
    const load = (log: Uint8Array | undefined) =>
      this.#call("BPF_PROG_LOAD", PROG_LOAD, (view) => {
        view.setUint32(0, PROGRAM_XDP, true);
        view.setUint32(4, instructions.length / INSTRUCTION_SIZE, true);
        setPointer(view, 8, instructions);
        setPointer(view, 16, license);
        if (log !== undefined) {
          view.setUint32(24, 1, true);
          view.setUint32(28, log.length, true);
          setPointer(view, 32, log);
        }
        view.setUint32(68, ATTACH_XDP, true);
      });
    try {
      return load(undefined);
    } catch (error) {
      if (!["EINVAL", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
    const log = new Uint8Array(LOG_SIZE);
    try {
      return load(log);
    } catch (error) {
      const reason = lastReason(new TextDecoder().decode(log.subarray(0, log.indexOf(0))));
      throw Object.assign(error as Error, { message: `${(error as Error).message}: ${reason}` });
    }
  }

  /**
   * Has an interface run a program until the link's descriptor is closed, or the process has ended.
   *
   * @returns the link's descriptor
   * @throws {Error} a system error: EBUSY or EEXIST if the interface runs another program
   */
  attach(program: number, interfaceIndex: number, mode: XdpMode): number {
    return this.#call("BPF_LINK_CREATE", LINK_CREATE, (view) => {
      for (const [i, word] of [program, interfaceIndex, ATTACH_XDP, MODES[mode]].entries()) {
        view.setUint32(i * 4, word, true);
      }
    });
  }

  /** The number of the interface that runs the program of a link; undefined if none does, because it was deleted. */
  linkInterface(link: number): number | undefined {
    const info = new Uint32Array(new ArrayBuffer(LINK_INFO_SIZE));
    this.#call("BPF_OBJ_GET_INFO_BY_FD", GET_INFO, (view) => {
      view.setUint32(0, link, true);
      view.setUint32(4, LINK_INFO_SIZE, true);
      view.setBigUint64(8, BigInt(ptr(info)), true);
    });
    return info[LINK_INTERFACE >>> 2] || undefined;
  }

  #call(name: string, command: number, fill: (attributes: DataView) => void): number {
    const { call, errno } = this.#libc;
    const attributes = new DataView(new ArrayBuffer(ATTRIBUTES_SIZE));
    fill(attributes);
    const number = SYS_BPF[process.arch]!;
    const result = call.syscall(number, command, ptr(attributes.buffer), ATTRIBUTES_SIZE, 0, null);
    if (result < 0) throw systemError(`bpf ${name}`, errno());
    return result;
  }
}

/** The log has a line for each instruction, the reason, and statistics. */
function lastReason(log: string): string {
  const lines = log.trim().split("\n");
  return lines.findLast((line) => !line.startsWith("processed ")) ?? "";
}

function setPointer(view: DataView, at: number, bytes: Uint8Array): void {
  view.setBigUint64(at, BigInt(ptr(bytes)), true);
}
