import { expect, test } from "bun:test";
import { StrKey } from "@stellar/stellar-sdk/base";
import { decodeStrkey, encodeStrkey } from "../../../examples/stellar/strkey.ts";

const datas = [0, 1, 0x55, 0xff].map((byte) => new Uint8Array(40).fill(byte));
datas.push(Uint8Array.from({ length: 40 }, (_, i) => (i * 37) & 255));

test("addresses are those of stellar-sdk", () => {
  for (const data of datas) {
    const [account, muxed] = [encodeStrkey("G", data.subarray(0, 32)), encodeStrkey("M", data)];
    expect(account).toBe(StrKey.encodeEd25519PublicKey(data.subarray(0, 32)));
    expect(muxed).toBe(StrKey.encodeMed25519PublicKey(data));
    expect(decodeStrkey("G", account)).toEqual(data.subarray(0, 32));
    expect(decodeStrkey("M", muxed)).toEqual(data);
  }
});

test("an address with any letter changed, left out or added is rejected", () => {
  for (const [letter, address] of [
    ["G", encodeStrkey("G", datas.at(-1)!.subarray(0, 32))],
    ["M", encodeStrkey("M", datas.at(-1)!)],
  ] as const) {
    for (let i = 0; i < address.length; i += 1) {
      const [before, after] = [address.slice(0, i), address.slice(i + 1)];
      for (const other of ["A", "7", "a", "1", "", `${address[i]}A`]) {
        const changed = before + other + after;
        if (changed !== address) expect(() => decodeStrkey(letter, changed)).toThrow(`begins with ${letter}`);
      }
    }
  }
  expect(() => decodeStrkey("M", encodeStrkey("G", datas[0]!.subarray(0, 32)))).toThrow();
  expect(() => decodeStrkey("G", "")).toThrow();
});
