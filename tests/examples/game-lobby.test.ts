// examples/game-lobby.js: a list of the games on the LAN that stays up to date, under Bun and Node.
import { describe, expect } from "bun:test";
import { twoHosts } from "../support/netns.ts";
import { PAIRS, Program, RUNTIMES, testOnHosts } from "./programs.ts";

describe("the game lobby", () => {
  for (const [mine, theirs] of PAIRS) {
    testOnHosts([mine, theirs], `of ${mine} shows games of ${theirs} that open, are joined, and end`, async () => {
      await using hosts = await twoHosts();
      await using chess = await Program.start(hosts.b, theirs, "game-lobby", "host", "Chess");
      await chess.sees(/^Chess is open/);
      await using lobby = await Program.start(hosts.a, mine, "game-lobby");
      await lobby.sees(/^1 {2}Chess \(players: 0\)$/);
      await using go = await Program.start(hosts.b, theirs, "game-lobby", "host", "Go");
      await lobby.sees(/^2 {2}Go \(players: 0\)$/);

      lobby.type("7");
      await lobby.sees(/^there is no game 7$/);
      lobby.type("2");
      await go.sees(/^players: 1$/);
      await lobby.sees(/^2 {2}Go \(players: 1\)$/);
      go.interrupt();
      // The lobby may have asked the game just then, and learn that it has ended before its own connection is closed.
      await lobby.seesAll(/^you have left game 2$/, /^2 {2}Go \(players: 1\) has ended$/);

      lobby.type("1");
      await chess.sees(/^players: 1$/);
      lobby.interrupt();
      await chess.sees(/^players: 0$/);
      expect([...lobby.errors.lines, ...chess.errors.lines, ...go.errors.lines]).toEqual([]);
    });
  }

  for (const runtime of RUNTIMES) {
    testOnHosts([runtime], `under ${runtime} says in one line how it is used`, async () => {
      await using hosts = await twoHosts();
      for (const args of [["host"], ["hots", "Chess"]]) {
        await using program = await Program.start(hosts.a, runtime, "game-lobby", ...args);
        expect(await program.exited).toBe(1);
        await program.errors.end;
        expect(program.errors.lines).toEqual(["game-lobby: usage: game-lobby.js [host NAME]"]);
      }
    });
  }
});
