// examples/lan-cache.js: instances fetch from each other what one of them has computed, under Bun and Node.
import { describe, expect } from "bun:test";
import { twoHosts } from "../support/netns.ts";
import { PAIRS, Program, testOnHosts } from "./programs.ts";

/** How many words are looked up: each of two instances owns some of them, but for one case in two million. */
const WORDS = Array.from({ length: 20 }, (_, i) => `word${i}`);

describe("the LAN cache", () => {
  for (const [mine, theirs] of PAIRS) {
    testOnHosts([mine, theirs], `of ${mine} and ${theirs} computes nothing twice`, async () => {
      await using hosts = await twoHosts();
      await using first = await Program.start(hosts.a, mine, "lan-cache");
      const [, firstId] = /^this is (\w+):/.exec(await first.sees(/^this is /))!;
      first.type("before");
      const [, hash] = /^before: (\w+), computed at here$/.exec(await first.sees(/^before: /))!;

      await using second = await Program.start(hosts.b, theirs, "lan-cache");
      const [, secondId] = /^this is (\w+):/.exec(await second.sees(/^this is /))!;
      await Promise.all([
        first.sees(new RegExp(`^\\+ ${secondId} at `)),
        second.sees(new RegExp(`^\\+ ${firstId} at `)),
      ]);
      second.type("before");
      expect(await second.sees(/^before: /)).toBe(`before: ${hash}, computed at ${firstId}`);

      // Both ask for each word at the same time.
      const where = { first: 0, second: 0 };
      for (const word of WORDS) {
        first.type(word);
        second.type(word);
        const line = new RegExp(`^${word}: `);
        const [a, b] = await Promise.all([first.sees(line), second.sees(line)]);
        const atFirst = a.endsWith("at here");
        expect(a.replace(/here$/, firstId!)).toBe(b.replace(/here$/, secondId!));
        where[atFirst ? "first" : "second"]++;
      }
      expect(where.first).toBeGreaterThan(0);
      expect(where.second).toBeGreaterThan(0);

      // The first one is gone, and the second one goes on alone.
      first.interrupt();
      await first.exited;
      second.type("after");
      await second.sees(/^after: \w+, computed at here$/);
      expect([...first.errors.lines, ...second.errors.lines]).toEqual([]);
    });
  }
});
