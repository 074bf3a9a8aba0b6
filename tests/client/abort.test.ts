import { expect, test } from "bun:test";
import { onAbort } from "../../src/client/abort.ts";
import { bundleForNode } from "../support/bundle.ts";
import { Folder } from "../support/folder.ts";
import { testIf } from "../support/needs.ts";
import { hasNode, NEEDS_NODE, NODE } from "../support/node.ts";

testIf(hasNode, NEEDS_NODE)("many lookups that share a signal cause no warning of a leak under Node", async () => {
  using folder = new Folder();
  const program = folder.at("program.mjs");
  await bundleForNode(new URL("./many-on-one-signal.ts", import.meta.url).pathname, program);
  const { stdout, stderr } = Bun.spawnSync([NODE, program]);
  expect({ out: stdout.toString(), err: stderr.toString() }).toEqual({ out: "10\n", err: "" });
});

test("one that waits may keep a later one from running", () => {
  const controller = new AbortController();
  const ran: string[] = [];
  onAbort(controller.signal, () => {
    ran.push("first");
    undo();
  });
  const undo = onAbort(controller.signal, () => ran.push("second"));
  controller.abort();
  expect(ran).toEqual(["first"]);
});

test("a signal that is aborted already runs at once; without a signal nothing ever runs", () => {
  let runs = 0;
  onAbort(AbortSignal.abort(), () => runs++)();
  expect(runs).toBe(1);
  onAbort(undefined, () => runs++)();
  expect(runs).toBe(1);
});

test("a signal of a polyfill is listened to", () => {
  const listeners: (() => void)[] = [];
  const signal = { aborted: false, addEventListener: (_: string, run: () => void) => listeners.push(run) };
  let runs = 0;
  onAbort(signal as unknown as AbortSignal, () => runs++);
  for (const listener of listeners) listener();
  expect(runs).toBe(1);
});
