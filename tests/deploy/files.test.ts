// The files in deploy/: Prometheus rules, Grafana board, systemd units, container. Checked by the programs that read them.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import board from "../../deploy/grafana/whereabouts.json";
import { OutputLines, start } from "../support/command.ts";
import { Folder } from "../support/folder.ts";
import { testIf } from "../support/needs.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const DEPLOY = join(import.meta.dir, "../../deploy");
const RULES = join(DEPLOY, "prometheus/alerts.yaml");
const withPromtool = testIf(Bun.which("promtool") !== null, "needs promtool, of Debian's package prometheus");
const withSystemd = testIf(Bun.which("systemd-analyze") !== null, "needs systemd-analyze, of Debian's package systemd");
/** Metrics of Prometheus itself. */
const OTHERS = ["up"];
/** Exposure as `systemd-analyze security` rates it, times 10: from 0 to 100. */
const MAX_EXPOSURE = "20";
const MAX_EXPOSURE_XDP = "25";

async function tool(...command: string[]) {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, output: `${out}${err}` };
}

/** All expressions of the board. */
const expressions = board.panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => expr));

function metricsIn(expression: string): string[] {
  const bare = expression.replaceAll(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, " ");
  return [...bare.matchAll(/\b(?:whereabouts|process)_\w+|\bup\b/g)].map(([name]) => name);
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

async function alerts() {
  return (Bun.YAML.parse(await Bun.file(RULES).text()) as Rules).groups.flatMap(({ rules }) => rules);
}

describe("deploy/prometheus", () => {
  withPromtool(
    "has rules and a configuration that Prometheus accepts, and alerts that fire when they should",
    async () => {
      for (const command of [
        ["check", "rules", RULES],
        ["check", "config", join(DEPLOY, "prometheus/prometheus.yaml")],
        ["test", "rules", join(DEPLOY, "prometheus/alerts.test.yaml")],
      ]) {
        expect(await tool("promtool", ...command)).toEqual({ code: 0, output: expect.stringContaining("SUCCESS") });
      }
    },
  );

  test("has a unit test for each alert", async () => {
    const tests = await Bun.file(join(DEPLOY, "prometheus/alerts.test.yaml")).text();
    for (const { alert } of await alerts())
      expect(tests.split(`alertname: ${alert}\n`).length - 1, alert).toBeGreaterThanOrEqual(2);
  });
});

describe("deploy/grafana", () => {
  withPromtool("has only expressions that Prometheus accepts", async () => {
    using folder = new Folder();
    const plain = expressions.map((expr) => expr.replaceAll("$__rate_interval", "1m"));
    expect(plain.length).toBeGreaterThan(20);
    const rules = plain.map((expr, i) => ({ record: `board:panel_${i}`, expr }));
    await Bun.write(folder.at("rules.yaml"), JSON.stringify({ groups: [{ name: "board", rules }] }));
    expect(await tool("promtool", "check", "rules", folder.at("rules.yaml"))).toMatchObject({ code: 0 });
  });

  test("can be restricted to some of the servers, in every panel", () => {
    for (const expr of expressions) {
      const selectors = expr.match(/\{[^}]*\}/g) ?? [];
      expect(selectors.length).toBe(metricsIn(expr).length);
      for (const selector of selectors) expect(selector).toContain('instance=~"$instance"');
    }
  });
});

test("the alerts and the board name only metrics that a server has", async () => {
  const args = ["--host", "127.0.0.1", "--port", "0", "--workers", "1", "--admin", "127.0.0.1:0"];
  const server = start(["server", ...args]);
  const lines = new OutputLines(server.stdout);
  const line = await lines.next(/http:\/\//);
  await lines.next(/listens on/);
  const url = /http:\/\/[\d.]+:\d+\//.exec(line)![0];
  const text = await (await fetch(`${url}metrics`)).text();
  const known = new Set(OTHERS);
  for (const [, name, type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    known.add(name!);
    if (type === "histogram") for (const part of ["bucket", "sum", "count"]) known.add(`${name}_${part}`);
  }
  const named = [...expressions, ...(await alerts()).map(({ expr }) => expr)].flatMap(metricsIn);
  expect(new Set(named).size).toBeGreaterThan(25);
  expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([]);
  server.kill("SIGTERM");
  await server.exited;
});

describe("deploy/systemd", () => {
  const text = (name: string) => Bun.file(join(DEPLOY, "systemd", name)).text();
  // The binary and the manual page are not installed here.
  const installed = async (name: string) =>
    (await text(name)).replace("/usr/local/bin/whereabouts", process.execPath).replaceAll(/^Documentation=.*$/gm, "");
  const exposure = (unit: string, most: string) =>
    tool("systemd-analyze", "security", "--offline=true", `--threshold=${most}`, unit);

  withSystemd("has units without a mistake", async () => {
    using folder = new Folder();
    const service = await installed("whereabouts.service");
    await Bun.write(folder.at("whereabouts.service"), service);
    await Bun.write(folder.at("whereabouts.socket"), await installed("whereabouts.socket"));
    const files = ["whereabouts.service", "whereabouts.socket"].map((name) => folder.at(name));
    expect(await tool("systemd-analyze", "verify", ...files)).toEqual({ code: 0, output: "" });
    await Bun.write(folder.at("whereabouts.service"), service.replace("WatchdogSec=30", "WatchdogSecs=30"));
    expect((await tool("systemd-analyze", "verify", ...files)).output).toContain("WatchdogSecs");
  });

  withSystemd("has a drop-in for the transport xdp without a mistake", async () => {
    using folder = new Folder();
    const unit = folder.at("whereabouts.service");
    const dropIn = folder.at("whereabouts.service.d/xdp.conf");
    const settings = await text("xdp.conf");
    await Bun.write(unit, await installed("whereabouts.service"));
    await Bun.write(dropIn, settings);
    expect(await tool("systemd-analyze", "verify", unit)).toEqual({ code: 0, output: "" });
    expect((await exposure(unit, MAX_EXPOSURE_XDP)).code).toBe(0);
    await Bun.write(dropIn, settings.replace("=AF_XDP", "=AF_XPD").replace("=bpf", "=bfp"));
    const { output } = await tool("systemd-analyze", "verify", unit);
    expect(output).toContain("AF_XPD");
    expect(output).toContain("bfp");
  });

  withSystemd("exposes little of the system to the server", async () => {
    const { code, output } = await exposure(join(DEPLOY, "systemd/whereabouts.service"), MAX_EXPOSURE);
    expect(output).toContain("Overall exposure level");
    expect({ code, output }).toMatchObject({ code: 0 });
  });
});

test("deploy/docker builds from files that exist, and the server gets the network of the host", async () => {
  const ignore = await Bun.file(join(DEPLOY, "../.dockerignore")).text();
  const kept = ignore.match(/^!.+$/gm)!.map((line) => line.slice(1));
  expect(kept).toContain("src");
  for (const pattern of kept) {
    expect([...new Bun.Glob(pattern).scanSync({ cwd: join(DEPLOY, ".."), onlyFiles: false })], pattern).not.toEqual([]);
  }
  const { services } = Bun.YAML.parse(await Bun.file(join(DEPLOY, "docker/compose.yaml")).text()) as {
    services: Record<string, { network_mode: string; build?: { context: string; dockerfile: string } }>;
  };
  const { network_mode, build } = services.whereabouts!;
  expect(network_mode).toBe("host");
  expect(await Bun.file(join(DEPLOY, "docker", build!.context, build!.dockerfile)).exists()).toBe(true);
});
