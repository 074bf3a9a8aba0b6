/** Precondition of the other specs: as-pect and the engine do not write to each other's memory. */
import { H_ENTRIES_AT, H_INDEX_AT, H_KEY, H_LANES_AT, HEADER_SIZE } from "../../assembly/layout";
import { checksum, ENGINE_END, FILLER, layOut, SCRATCH } from "./support/memory";

describe("the memory under test", () => {
  test("as-pect keeps static data, stack and heap above the engine's memory", () => {
    expect<usize>(memory.data(8)).toBeGreaterThanOrEqual(ENGINE_END);
    expect<usize>(__data_end).toBeGreaterThanOrEqual(ENGINE_END);
    expect<usize>(__heap_base).toBeGreaterThanOrEqual(ENGINE_END);
    expect<usize>(changetype<usize>(new ArrayBuffer(8))).toBeGreaterThanOrEqual(ENGINE_END);
  });

  test("100,000 allocations of as-pect's runtime do not change the engine's memory", () => {
    layOut(100, 64, 2, 64, 8);
    const before = checksum(0, ENGINE_END);
    let text = "";
    for (let i = 0; i < 100000; i++) text = i.toString();
    expect<string>(text).toBe("99999");
    expect<u64>(checksum(0, ENGINE_END)).toBe(before);
  });

  test("the header ends with the key, the regions follow it, and the rest is filled with 0xff", () => {
    layOut(100, 64, 2, 64, 8);
    expect<u32>(load<u32>(H_LANES_AT)).toBeGreaterThanOrEqual(HEADER_SIZE);
    expect<u32>(load<u32>(H_KEY)).toBe(0x9e3779b9);
    expect<u32>(load<u32>(H_ENTRIES_AT)).toBeGreaterThanOrEqual(load<u32>(H_INDEX_AT) + 2 * 64 * 8);
    expect<u8>(load<u8>(SCRATCH - 1)).toBe(FILLER);
    expect<u8>(load<u8>(ENGINE_END - 1)).toBe(FILLER);
  });
});
