// deploy/systemd/xdp.conf: the capabilities that it gives are those that the transport xdp needs, none more, none less.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { OutputLines, run, start } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import { twoHosts } from "../support/netns.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { hasXdp, NEEDS_XDP } from "../support/xdp.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const ROOT = join(import.meta.dir, "../..");
const text = (path: string) => Bun.file(join(ROOT, path)).text();
const SETTINGS = Bun.file(join(ROOT, "deploy/systemd/xdp.conf"));
const withRights = testIf(hasXdp && Bun.which("setpriv") !== null, `${NEEDS_XDP}; setpriv`);

/** The values of a setting of the drop-in. */
async function values(name: string): Promise<string[]> {
  return new RegExp(`^${name}=(.+)$`, "m").exec(await SETTINGS.text())![1]!.split(" ");
}

/** A command that starts another one with these capabilities only, also for root. */
function withOnly(capabilities: readonly string[]): string[] {
  const set = ["-all", ...capabilities.map((name) => `+${name.replace("CAP_", "").toLowerCase()}`)].join();
  return ["setpriv", "--no-new-privs", "--inh-caps=-all", `--bounding-set=${set}`];
}

describe("the capabilities of the drop-in for the transport xdp", () => {
  // Little locked memory: the limit of a user is shared by all tests that run.
  const memory = ["--receive-buffer", "262144", "--capacity", "1000"];
  const flags = ["server", "--port", "0", "--transport", "xdp", "--interface", "b0", "--fallback", "no", ...memory];

  withRights("are enough", async () => {
    await using hosts = await twoHosts();
    const child = start(flags, { by: hosts.b.command(withOnly(await values("AmbientCapabilities"))) });
    const line = await new OutputLines(child.stdout).next(/listens on/);
    expect(line).toContain("transport xdp on b0 (native, 1 queue)");
    child.kill();
    expect(await child.exited).toBe(0);
  });

  withRights("are needed, each of them", async () => {
    await using hosts = await twoHosts();
    const capabilities = await values("AmbientCapabilities");
    const ends = capabilities.map(async (missing) => {
      const rest = capabilities.filter((name) => name !== missing);
      const { err, code } = await run(flags, "", { by: hosts.b.command(withOnly(rest)) });
      return { missing, code, err };
    });
    for (const { missing, code, err } of await Promise.all(ends)) {
      expect({ missing, code }).toEqual({ missing, code: 1 });
      expect(err, missing).toContain("cannot use the interface b0");
    }
  });

  test("are those that docs/xdp.md names, in its text and for containers", async () => {
    const docs = await text("docs/xdp.md");
    const capabilities = await values("AmbientCapabilities");
    expect(await values("CapabilityBoundingSet")).toEqual(capabilities);
    const rights = /^The server needs the capabilities [^.]+/m.exec(docs)![0];
    expect([...rights.matchAll(/CAP_\w+/g)].map(([name]) => name)).toEqual(capabilities);
    const container = /^docker run [\s\S]+?```/m.exec(docs)![0];
    expect([...container.matchAll(/--cap-add (\w+)/g)].map(([, name]) => `CAP_${name}`)).toEqual(capabilities);
  });
});
