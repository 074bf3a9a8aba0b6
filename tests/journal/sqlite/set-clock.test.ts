import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { Client } from "../../support/client.ts";
import { OutputLines, start } from "../../support/command.ts";
import { faketime, hasFaketime, NEEDS_FAKETIME, removeSharedMemory } from "../../support/faketime.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { LONG_LIMIT_MS } from "../../support/time-limits.ts";

testIf(hasFaketime, NEEDS_FAKETIME)(
  "the command keeps all nodes when the clock of all its threads is set two hours ahead, and after SIGKILL",
  async () => {
    using folder = new Folder();
    const clock = folder.at("clock");
    writeFileSync(clock, "+0");
    const env = {
      ...faketime(),
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    const args = ["server", "--host", "127.0.0.1", "--port", "0", "--capacity", "1000"];
    const serve = async () => {
      const child = start([...args, "--journal", `sqlite:${folder.at("registry.db")}`], { env });
      const printed = new OutputLines(child.stdout);
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(await printed.next(/listens on/))![1]);
      return { child, printed, client: await Client.open(port) };
    };
    const answer = (name: string, port: number) => announcement(ascii(name), port, Uint8Array.of(127, 0, 0, 1));
    const first = await serve();
    const announce = async (name: string, port: number) => {
      first.client.send(announcement(ascii(name), port));
      expect(await first.client.ask(query(ascii(name)))).toEqual(answer(name, port));
    };
    try {
      await announce("A", 1);
      await Bun.sleep(1000);
      writeFileSync(clock, "+7200");
      await announce("B", 2);
      await first.printed.next(/the system's clock was set ahead by 7200\.\d s/);
      await Bun.sleep(1000);
      expect(await first.client.ask(query(ascii("A")))).toEqual(answer("A", 1));
    } finally {
      first.client.close();
      first.child.kill("SIGKILL");
      await first.child.exited;
      removeSharedMemory(first.child.pid);
    }
    const again = await serve();
    try {
      for (const [name, port] of [
        ["A", 1],
        ["B", 2],
      ] as const) {
        expect(await again.client.ask(query(ascii(name)))).toEqual(answer(name, port));
      }
    } finally {
      again.client.close();
      again.child.kill("SIGTERM");
      expect(await again.child.exited).toBe(0);
      removeSharedMemory(again.child.pid);
    }
  },
  LONG_LIMIT_MS,
);
