import { expect, spyOn, test } from "bun:test";
import { onAbort } from "../../src/client/abort.ts";

test("all that wait for a signal share one listener, which is removed with the last of them", () => {
  const controller = new AbortController();
  const { signal } = controller;
  const [add, remove] = [spyOn(signal, "addEventListener"), spyOn(signal, "removeEventListener")];
  const ran: number[] = [];
  const run = () => void ran.push(0);
  const undo = [onAbort(signal, run), onAbort(signal, run), onAbort(signal, () => ran.push(1))];
  expect(add).toHaveBeenCalledTimes(1);
  for (const one of [...undo, ...undo]) one();
  expect(remove).toHaveBeenCalledTimes(1);
  expect(remove.mock.calls[0]?.[1]).toBe(add.mock.calls[0]![1]);

  onAbort(signal, run);
  const first = onAbort(signal, () => ran.push(9));
  const second = onAbort(signal, () => ran.push(2));
  first();
  onAbort(signal, () => ran.push(3));
  expect(add).toHaveBeenCalledTimes(2);
  controller.abort();
  expect(ran).toEqual([0, 2, 3]);
  second();
  expect(remove).toHaveBeenCalledTimes(1);
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
