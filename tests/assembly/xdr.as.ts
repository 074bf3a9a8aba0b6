import { padded, readWord, writeWord } from "../../assembly/xdr";
import { hexOf, put, putFresh } from "./support/bytes";
import { FILLER, SCRATCH } from "./support/memory";

describe("xdr", () => {
  test("a word is read most significant byte first", () => {
    put(SCRATCH, "12345678");
    expect<u32>(readWord(SCRATCH)).toBe(0x12345678);
  });

  test("a word may start at any address", () => {
    for (let at: usize = SCRATCH; at < SCRATCH + 8; at++) {
      put(at, "89abcdef");
      expect<u32>(readWord(at)).toBe(0x89abcdef);
    }
  });

  test("a word is written most significant byte first, and no other byte is changed", () => {
    putFresh("");
    writeWord(SCRATCH + 1, 0x12345678);
    expect<string>(hexOf(SCRATCH, 8)).toBe("ff123456 78ffffff");
  });

  test("a written word is read back unchanged, up to 0xffffffff", () => {
    for (let bit: u32 = 0; bit < 32; bit++) {
      writeWord(SCRATCH, (<u32>1) << bit);
      expect<u32>(readWord(SCRATCH)).toBe((<u32>1) << bit);
      writeWord(SCRATCH, <u32>0xffffffff >> bit);
      expect<u32>(readWord(SCRATCH)).toBe(<u32>0xffffffff >> bit);
    }
  });

  test("lengths are padded to whole words", () => {
    expect<u32>(padded(0)).toBe(0);
    for (let words: u32 = 1; words <= 256; words++) {
      for (let missing: u32 = 0; missing < 4; missing++) expect<u32>(padded(words * 4 - missing)).toBe(words * 4);
    }
  });

  test("lengths that are negative as i32 are padded like others", () => {
    expect<u32>(padded(0x7fffffff)).toBe(0x80000000);
    expect<u32>(padded(0x80000000)).toBe(0x80000000);
    expect<u32>(padded(0x80000001)).toBe(0x80000004);
    expect<u32>(padded(0xfffffff9)).toBe(0xfffffffc);
    expect<u32>(padded(0xfffffffc)).toBe(0xfffffffc);
  });

  test("padding overflows to 0 above 0xfffffffc, as the comment of padded() warns", () => {
    expect<u32>(padded(0xfffffffd)).toBe(0);
    expect<u32>(padded(0xfffffffe)).toBe(0);
    expect<u32>(padded(0xffffffff)).toBe(0);
  });

  test("the scratch area of these specs is filled with 0xff", () => {
    putFresh("00");
    expect<u8>(load<u8>(SCRATCH + 1)).toBe(FILLER);
  });
});
