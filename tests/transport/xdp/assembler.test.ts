/** The assembler: each instruction as its bytes, by RFC 9669 and by what clang and the kernel's documents show. */
import { expect, test } from "bun:test";
import { Assembler, type Condition, type Operation, type Size } from "../../../src/transport/xdp/assembler.ts";
import { hex } from "../../support/packets.ts";

/** The bytes of a program. */
function bytes(write: (program: Assembler) => Assembler): string {
  return hex(write(new Assembler()).assemble());
}

const EXIT = "9500000000000000";

test("moves, sums, differences, masks and shifts have a form for numbers and one for registers", () => {
  const forms: Record<Operation, readonly [number: string, register: string]> = {
    add: ["07", "0f"],
    subtract: ["17", "1f"],
    and: ["57", "5f"],
    rightShift: ["77", "7f"],
    move: ["b7", "bf"],
  };
  for (const [operation, [number, register]] of Object.entries(forms) as [Operation, [string, string]][]) {
    expect(bytes((program) => program.alu(operation, 3, 0x1234))).toBe(`${number}03000034120000`);
    expect(bytes((program) => program.alu(operation, 3, -24))).toBe(`${number}030000e8ffffff`);
    expect(bytes((program) => program.alu(operation, 10, { register: 9 }))).toBe(`${register}9a000000000000`);
  }
});

test("a change of the byte order names its bits", () => {
  expect(bytes((program) => program.bigEndian(1, 16))).toBe("dc01000010000000");
  expect(bytes((program) => program.bigEndian(2, 32))).toBe("dc02000020000000");
});

test("loads and stores have sizes of 8 to 64 bits, and offsets on both sides", () => {
  const forms: Record<Size, readonly [load: string, store: string, value: string]> = {
    8: ["71", "73", "72"],
    16: ["69", "6b", "6a"],
    32: ["61", "63", "62"],
    64: ["79", "7b", "7a"],
  };
  for (const [size, [load, store, value]] of Object.entries(forms)) {
    const bits = Number(size) as Size;
    expect(bytes((program) => program.load(bits, 2, 7, 12))).toBe(`${load}720c0000000000`);
    expect(bytes((program) => program.store(bits, 10, -24, 3))).toBe(`${store}3ae8ff00000000`);
    expect(bytes((program) => program.storeValue(bits, 10, -8, -65536))).toBe(`${value}0af8ff0000ffff`);
  }
});

test("a reference to a map takes two instructions", () => {
  expect(bytes((program) => program.loadMap(1, 5))).toBe("18110000050000000000000000000000");
  expect(new Assembler().loadMap(1, 5).length).toBe(2);
});

test("a call names its function, and the end of a program is an instruction of its own", () => {
  expect(bytes((program) => program.call(51).exit())).toBe(`8500000033000000${EXIT}`);
});

test("a jump has the number of instructions that it leaves out", () => {
  const conditions: Record<Condition, readonly [number: string, register: string]> = {
    "==": ["15", "1d"],
    ">": ["25", "2d"],
    ">=": ["35", "3d"],
    "!=": ["55", "5d"],
    "<": ["a5", "ad"],
    "<=": ["b5", "bd"],
  };
  for (const [condition, [number, register]] of Object.entries(conditions) as [Condition, [string, string]][]) {
    const to = (operand: Parameters<Assembler["jumpIf"]>[2]) =>
      bytes((program) => program.jumpIf(4, condition, operand, "end").exit().exit().label("end").exit());
    expect(to(17)).toBe(`${number}04020011000000${EXIT.repeat(3)}`);
    expect(to({ register: 8 })).toBe(`${register}84020000000000${EXIT.repeat(3)}`);
  }
  expect(bytes((program) => program.jump("end").exit().label("end").exit())).toBe(`0500010000000000${EXIT.repeat(2)}`);
  expect(bytes((program) => program.jump("next").label("next").exit())).toBe(`0500000000000000${EXIT}`);
});

test("several jumps may have one label, and a reference to a map counts as two instructions", () => {
  const program = bytes((code) => code.jump("end").jumpIf(0, "==", 0, "end").loadMap(1, 3).label("end").exit());
  expect(program).toBe(`0500030000000000${"1500020000000000"}${"18110000030000000000000000000000"}${EXIT}`);
});

test("a jump needs one label behind it", () => {
  expect(() => bytes((program) => program.exit().jump("end"))).toThrow("there is no label end after instruction 1");
  // The kernel takes only programs that end, so there are no loops here.
  expect(() => bytes((program) => program.label("start").exit().jump("start"))).toThrow(
    "there is no label start after instruction 1",
  );
  expect(() => new Assembler().label("end").exit().label("end")).toThrow("there are two labels end");
});
