import { describe, expect, test } from "bun:test";
import { checkKeys, nearestName, suggestion } from "../../src/xdr/keys.ts";

const KNOWN = ["servers", "address", "timeout", "backend", "port", "lan"];

describe("the nearest name", () => {
  test.each([
    ["server", "servers"],
    ["adress", "address"],
    ["timeuot", "timeout"],
    ["bakend", "backend"],
    ["Servers", "servers"],
    ["prot", "port"],
    ["LAN", "lan"],
  ])("of %s is %s", (word, name) => {
    expect(nearestName(word, KNOWN)).toBe(name);
  });

  test.each(["", "x", "colour", "interval", "nodeId"])("of %p is none, since it is like none", (word) => {
    expect(nearestName(word, KNOWN)).toBeUndefined();
  });

  test("of a swap is nearer than of two replaced letters", () => {
    expect(nearestName("prot", ["pxxt", "port"])).toBe("port");
  });
});

describe("an unknown key is a TypeError that names it", () => {
  test("and the key that was meant", () => {
    expect(() => checkKeys("options", { port: 1, server: [] }, KNOWN)).toThrow(
      new TypeError('options has no key "server": did you mean "servers"?'),
    );
  });

  test("and all keys where none is near", () => {
    expect(() => checkKeys("options", { colour: 1 }, ["port", "lan"])).toThrow(
      new TypeError('options has no key "colour": known are port, lan'),
    );
  });

  test("even if its value is undefined; known keys pass, and so do inherited ones", () => {
    expect(() => checkKeys("options", { server: undefined }, KNOWN)).toThrow(TypeError);
    checkKeys("options", { port: 1, lan: undefined }, KNOWN);
    checkKeys("options", Object.create({ server: 1 }), KNOWN);
  });
});

test("a suggestion ends a message", () => {
  expect(suggestion("server", KNOWN)).toBe(': did you mean "servers"?');
  expect(suggestion("x", ["a", "b"])).toBe(": known are a, b");
});
