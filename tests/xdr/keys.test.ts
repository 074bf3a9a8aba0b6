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

  test.each(["", "x", "colour", "interval", "nodeId"])("of %p is none, because no name is similar", (word) => {
    expect(nearestName(word, KNOWN)).toBeUndefined();
  });

  test("counts a swap of two letters as one edit, less than two replaced letters", () => {
    expect(nearestName("prot", ["pxxt", "port"])).toBe("port");
  });
});

describe("an unknown key throws a TypeError that names it", () => {
  test("and the key that was meant", () => {
    expect(() => checkKeys("options", { port: 1, server: [] }, KNOWN)).toThrow(
      new TypeError('options has no key "server": did you mean "servers"?'),
    );
  });

  test("and all known keys if none is similar", () => {
    expect(() => checkKeys("options", { colour: 1 }, ["port", "lan"])).toThrow(
      new TypeError('options has no key "colour": known are port, lan'),
    );
  });

  test("even if its value is undefined; known keys and inherited keys are accepted", () => {
    expect(() => checkKeys("options", { server: undefined }, KNOWN)).toThrow(TypeError);
    checkKeys("options", { port: 1, lan: undefined }, KNOWN);
    checkKeys("options", Object.create({ server: 1 }), KNOWN);
  });
});

test("a suggestion names the nearest name, or lists all names if none is similar", () => {
  expect(suggestion("server", KNOWN)).toBe(': did you mean "servers"?');
  expect(suggestion("x", ["a", "b"])).toBe(": known are a, b");
});
