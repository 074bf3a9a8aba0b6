/**
 * Measures the time that the kernel spends on receiving packets (softirq NET_RX), by the process that the scheduler charges for
 * it. Linux.
 *
 * A veth pair has no interrupts: a packet is received on the sender's processor, within the system call that sends it. So
 * the scheduler charges a server for receiving its own replies at the load's end, and the load for receiving the queries
 * at the server's end. With a network card the server's processor would do the latter, and another machine the former.
 *
 * Two programs in the kernel read the clock where a softirq begins and ends. That costs about 0.1 us per packet.
 */
import { ptr } from "bun:ffi";
import { readlinkSync } from "node:fs";
import { type Libc, loadLibc, systemError } from "../../src/transport/libc.ts";
import { Assembler, INSTRUCTION_SIZE } from "../../src/transport/xdp/assembler.ts";
import { MAP_HASH } from "../../src/transport/xdp/bpf.ts";
import { SYS_BPF } from "../../src/transport/xdp/libc.ts";

/* Commands of bpf(2), types of maps and programs, helper functions. */
const MAP_CREATE = 0;
const MAP_LOOKUP_ELEM = 1;
const PROG_LOAD = 5;
const RAW_TRACEPOINT_OPEN = 17;
const PER_PROCESSOR_ARRAY = 6;
const RAW_TRACEPOINT = 17;
const CALL_MAP_LOOKUP = 1;
const CALL_MAP_UPDATE = 2;
const CALL_CLOCK = 5;
const CALL_PROCESS = 14;

const ATTRIBUTES_SIZE = 128;
const NET_RX_SOFTIRQ = 3;

/** Keys of both maps have 32 bits, values 64. The most processes that the clock can tell apart. */
const KEY_SIZE = 4;
const VALUE_SIZE = 8;
const PROCESSES = 4096;
/* Where the programs have a key and a value on their stack. */
const KEY = -4;
const VALUE = -16;

/** The number of the first PID namespace; the same in every kernel. */
const FIRST_PID_NAMESPACE = "pid:[4026531836]";

export class SoftirqClock implements Disposable {
  readonly #libc: Libc = loadLibc();
  readonly #descriptors: number[] = [];
  /** Nanoseconds by process. */
  readonly #times: number;

  /** Starts. @throws {Error} a system error */
  constructor() {
    try {
      const began = this.#createMap(PER_PROCESSOR_ARRAY, 1);
      this.#times = this.#createMap(MAP_HASH, PROCESSES);
      this.#attach("softirq_entry", entryProgram(began));
      this.#attach("softirq_exit", exitProgram(began, this.#times));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Microseconds since the clock was started that were charged to a process. It may have ended. */
  time(pid: number): number {
    const key = Uint32Array.of(pid);
    const value = new BigUint64Array(1);
    try {
      this.#bpf("BPF_MAP_LOOKUP_ELEM", MAP_LOOKUP_ELEM, (view) => {
        view.setUint32(0, this.#times, true);
        view.setBigUint64(8, BigInt(ptr(key)), true);
        view.setBigUint64(16, BigInt(ptr(value)), true);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
      throw error;
    }
    return Number(value[0]) / 1000;
  }

  /** The kernel frees programs and map when their descriptors are closed, also if this process is killed. */
  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors.splice(0).reverse()) this.#libc.call.close(descriptor);
  }

  #createMap(type: number, entries: number): number {
    return this.#open("BPF_MAP_CREATE", MAP_CREATE, (view) => {
      for (const [i, word] of [type, KEY_SIZE, VALUE_SIZE, entries].entries()) view.setUint32(i * 4, word, true);
    });
  }

  #attach(tracepoint: string, instructions: Uint8Array): void {
    const license = cString("MIT");
    const program = this.#open("BPF_PROG_LOAD", PROG_LOAD, (view) => {
      view.setUint32(0, RAW_TRACEPOINT, true);
      view.setUint32(4, instructions.length / INSTRUCTION_SIZE, true);
      view.setBigUint64(8, BigInt(ptr(instructions)), true);
      view.setBigUint64(16, BigInt(ptr(license)), true);
    });
    const name = cString(tracepoint);
    this.#open("BPF_RAW_TRACEPOINT_OPEN", RAW_TRACEPOINT_OPEN, (view) => {
      view.setBigUint64(0, BigInt(ptr(name)), true);
      view.setUint32(8, program, true);
    });
  }

  #open(name: string, command: number, fill: (attributes: DataView) => void): number {
    const descriptor = this.#bpf(name, command, fill);
    this.#descriptors.push(descriptor);
    return descriptor;
  }

  #bpf(name: string, command: number, fill: (attributes: DataView) => void): number {
    const attributes = new DataView(new ArrayBuffer(ATTRIBUTES_SIZE));
    fill(attributes);
    const number = SYS_BPF[process.arch]!;
    const result = this.#libc.call.syscall(number, command, ptr(attributes.buffer), ATTRIBUTES_SIZE, 0, null);
    if (result < 0) throw systemError(`bpf ${name}`, this.#libc.errno());
    return result;
  }
}

/** Why this process cannot use the clock; undefined if it can. */
export function softirqObstacle(): string | undefined {
  try {
    // The programs see the numbers that processes have in the first namespace.
    if (readlinkSync("/proc/self/ns/pid") !== FIRST_PID_NAMESPACE) {
      return "processes have other numbers in this container";
    }
    new SoftirqClock()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** `began[this processor] = clock`, if the softirq is one of NET_RX. */
function entryProgram(began: number): Uint8Array {
  const program = ifNetRx(new Assembler()).storeValue(32, 10, KEY, 0);
  return end(
    lookUp(program, began)
      .jumpIf(0, "==", 0, "end")
      .alu("move", 7, { register: 0 })
      .call(CALL_CLOCK)
      .store(64, 7, 0, 0),
  );
}

/** `times[current process] += clock - began[this processor]`, if the softirq is one of NET_RX. */
function exitProgram(began: number, times: number): Uint8Array {
  const program = ifNetRx(new Assembler()).call(CALL_CLOCK).alu("move", 7, { register: 0 }).storeValue(32, 10, KEY, 0);
  lookUp(program, began)
    .jumpIf(0, "==", 0, "end")
    .load(64, 1, 0, 0)
    // The clock was started within this softirq.
    .jumpIf(1, "==", 0, "end")
    .alu("subtract", 7, { register: 1 })
    .call(CALL_PROCESS)
    .alu("rightShift", 0, 32)
    .store(32, 10, KEY, 0);
  lookUp(program, times)
    .jumpIf(0, "==", 0, "first")
    .load(64, 1, 0, 0)
    .alu("add", 1, { register: 7 })
    .store(64, 0, 0, 1)
    .jump("end")
    .label("first")
    .store(64, 10, VALUE, 7);
  return end(
    keyOf(program, times).alu("move", 3, { register: 10 }).alu("add", 3, VALUE).alu("move", 4, 0).call(CALL_MAP_UPDATE),
  );
}

/** Goes to the end unless the tracepoint's argument is the number of NET_RX. */
function ifNetRx(program: Assembler): Assembler {
  return program.load(64, 6, 1, 0).jumpIf(6, "!=", NET_RX_SOFTIRQ, "end");
}

/** `r0 = &map[key]`, or 0 */
function lookUp(program: Assembler, map: number): Assembler {
  return keyOf(program, map).call(CALL_MAP_LOOKUP);
}

/** `r1 = map; r2 = &key` */
function keyOf(program: Assembler, map: number): Assembler {
  return program.loadMap(1, map).alu("move", 2, { register: 10 }).alu("add", 2, KEY);
}

function end(program: Assembler): Uint8Array {
  return program.label("end").alu("move", 0, 0).exit().assemble();
}

function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
