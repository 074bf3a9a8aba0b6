/**
 * Assembles BPF programs: Linux's instruction set for small programs in the kernel, RFC 9669. An instruction has 8 bytes; offsets of
 * jumps are in instructions.
 */

/** Registers. r0 has results, r1 to r5 arguments; r6 to r9 keep their values over calls; r10 points to the end of the stack. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/** Sizes of memory accesses, in bits. */
export type Size = 8 | 16 | 32 | 64;

/* Classes, sizes, modes and operations, RFC 9669 §3 to §5. */
const LOAD_IMMEDIATE = 0x00;
const LOAD = 0x01;
const STORE_IMMEDIATE = 0x02;
const STORE = 0x03;
const JUMP = 0x05;
const ALU = 0x07;
const SIZES: Record<Size, number> = { 32: 0x00, 16: 0x08, 8: 0x10, 64: 0x18 };
const MODE_MEMORY = 0x60;
const OPERAND_REGISTER = 0x08;
const OPERATIONS = { add: 0x00, subtract: 0x10, and: 0x50, rightShift: 0x70, move: 0xb0 } as const;
const TO_BIG_ENDIAN = 0xdc;
const CONDITIONS = { always: 0x00, "==": 0x10, ">": 0x20, ">=": 0x30, "!=": 0x50, "<": 0xa0, "<=": 0xb0 } as const;
const CALL = 0x85;
const EXIT = 0x95;
/** Source register of a 64-bit load whose value is the descriptor of a map. */
const MAP_DESCRIPTOR = 1;

/** In bytes. */
export const INSTRUCTION_SIZE = 8;

export type Operation = keyof typeof OPERATIONS;
/** Comparisons are unsigned. */
export type Condition = Exclude<keyof typeof CONDITIONS, "always">;
/** A register, or a signed number of 32 bits. */
export type Operand = { readonly register: Register } | number;

export class Assembler {
  readonly #code: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: { readonly at: number; readonly label: string }[] = [];

  /** Number of instructions so far. */
  get length(): number {
    return this.#code.length / INSTRUCTION_SIZE;
  }

  /** `to op= operand`, 64 bits. */
  alu(operation: Operation, to: Register, operand: Operand): this {
    return this.#operate(ALU | OPERATIONS[operation], to, 0, operand);
  }

  /** Turns the low `bits` of a register from big-endian to the host's order, or back, and clears the others. */
  bigEndian(register: Register, bits: 16 | 32): this {
    return this.#emit(TO_BIG_ENDIAN, register, 0, 0, bits);
  }

  /** `to = *(from + offset)`, extended with zeros. */
  load(size: Size, to: Register, from: Register, offset: number): this {
    return this.#emit(LOAD | MODE_MEMORY | SIZES[size], to, from, offset, 0);
  }

  /** `*(to + offset) = from` */
  store(size: Size, to: Register, offset: number, from: Register): this {
    return this.#emit(STORE | MODE_MEMORY | SIZES[size], to, from, offset, 0);
  }

  /** `*(to + offset) = value` */
  storeValue(size: Size, to: Register, offset: number, value: number): this {
    return this.#emit(STORE_IMMEDIATE | MODE_MEMORY | SIZES[size], to, 0, offset, value);
  }

  /** Loads a reference to the map with a descriptor. Two instructions. */
  loadMap(to: Register, descriptor: number): this {
    this.#emit(LOAD_IMMEDIATE | SIZES[64], to, MAP_DESCRIPTOR, 0, descriptor);
    return this.#emit(0, 0, 0, 0, 0);
  }

  /** Jumps forward to a label. */
  jump(label: string): this {
    this.#jumps.push({ at: this.length, label });
    return this.#emit(JUMP | CONDITIONS.always, 0, 0, 0, 0);
  }

  /** Jumps forward to a label if the condition holds. */
  jumpIf(register: Register, condition: Condition, operand: Operand, label: string): this {
    this.#jumps.push({ at: this.length, label });
    return this.#operate(JUMP | CONDITIONS[condition], register, 0, operand);
  }

  /** Calls a helper function of the kernel by its number. */
  call(helper: number): this {
    return this.#emit(CALL, 0, 0, 0, helper);
  }

  /** Ends the program; r0 is its result. */
  exit(): this {
    return this.#emit(EXIT, 0, 0, 0, 0);
  }

  label(name: string): this {
    if (this.#labels.has(name)) throw new Error(`there are two labels ${name}`);
    this.#labels.set(name, this.length);
    return this;
  }

  /** The program. @throws {Error} if a label is missing, or behind its jump */
  assemble(): Uint8Array<ArrayBuffer> {
    const bytes = Uint8Array.from(this.#code);
    const view = new DataView(bytes.buffer);
    for (const { at, label } of this.#jumps) {
      const distance = (this.#labels.get(label) ?? -1) - at - 1;
      if (distance < 0) throw new Error(`there is no label ${label} after instruction ${at}`);
      view.setInt16(at * INSTRUCTION_SIZE + 2, distance, true);
    }
    return bytes;
  }

  #operate(code: number, to: Register, offset: number, operand: Operand): this {
    if (typeof operand === "number") return this.#emit(code, to, 0, offset, operand);
    return this.#emit(code | OPERAND_REGISTER, to, operand.register, offset, 0);
  }

  #emit(code: number, to: Register, from: number, offset: number, immediate: number): this {
    const bytes = new Uint8Array(INSTRUCTION_SIZE);
    const view = new DataView(bytes.buffer);
    bytes[0] = code;
    bytes[1] = to | (from << 4);
    view.setInt16(2, offset, true);
    view.setInt32(4, immediate, true);
    this.#code.push(...bytes);
    return this;
  }
}
