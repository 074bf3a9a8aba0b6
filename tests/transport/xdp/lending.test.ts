import { expect } from "bun:test";
import { testIf } from "../../support/needs.ts";
import { twoHosts } from "../../support/netns.ts";
import { hasXdp, NEEDS_XDP } from "../../support/xdp.ts";

const SCRIPT = new URL("./lending.ts", import.meta.url).pathname;

testIf(hasXdp && Bun.which("prlimit") !== null, `${NEEDS_XDP}; prlimit`)(
  "a queue is taken from a worker whatever that is doing, and nothing that its thread still uses is freed before it has ended",
  async () => {
    await using hosts = await twoHosts({ queues: 2 });
    // Few descriptors, because the program uses all of them up.
    const command = ["prlimit", "--nofile=256", process.execPath, SCRIPT];
    const child = Bun.spawn(hosts.b.command(command), { stdout: "pipe", stderr: "inherit" });
    expect(JSON.parse(await child.stdout.text())).toEqual({
      beforeItsAnswer: 0,
      afterIt: 1,
      rings: 4,
      // The descriptor is /dev/null now, and the memory is still there.
      revoked: [0, "other file", true, 0],
      lateMessages: [0, "other file", true],
      successor: [1, "socket", true],
      ended: ["closed", false, 1],
      withoutDescriptors: [0, "socket"],
      withDescriptors: [1, "other file"],
      returned: [0, 4, true],
      stopping: 0,
      closed: ["other file", 0],
      // Program and maps are closed, which were open before.
      files: -3,
    });
  },
);
