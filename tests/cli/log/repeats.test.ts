import { expect, test } from "bun:test";
import type { LogLevel, LogRecord } from "@logtape/logtape";
import { Repeats } from "../../../src/cli/terminal/repeats.ts";
import { until } from "../../support/time-limits.ts";

function record(text: string, level: LogLevel = "warning", properties: Record<string, unknown> = {}): LogRecord {
  return { category: ["whereabouts"], level, message: [text], rawMessage: text, properties, timestamp: 0 };
}

test("the first line of its kind is logged at once, those that differ only in numbers are summed up", async () => {
  const lines: string[] = [];
  const repeats = new Repeats(({ message }) => lines.push(String(message[0])), 300);
  for (let i = 1; i <= 5; i++) repeats.log(record(`worker ${i} was replaced`));
  repeats.log(record("worker 1 was replaced", "error"));
  repeats.log(record("another line"));
  expect(lines).toEqual(["worker 1 was replaced", "worker 1 was replaced", "another line"]);
  await until(() => lines.length > 3, "the sum");
  expect(lines.slice(3)).toEqual(["worker 5 was replaced (4 more in the last 0.3 s)"]);
  // The window goes on: what repeats for a long time is one line per window.
  repeats.log(record("worker 6 was replaced"));
  repeats.log(record("worker 7 was replaced"));
  expect(lines).toHaveLength(4);
  await until(() => lines.length > 4, "the next sum");
  expect(lines[4]).toBe("worker 7 was replaced (2 more in the last 0.3 s)");
});

test("a line that was repeated once is logged as it is, and what is not logged yet at the end", () => {
  const lines: string[] = [];
  const numbers: unknown[] = [];
  const repeats = new Repeats(({ message, properties }) => {
    lines.push(String(message[0]));
    numbers.push(properties.repeated);
  });
  repeats.log(record("A"));
  repeats.log(record("A"));
  for (let i = 0; i < 3; i++) repeats.log(record("B", "info"));
  repeats.flush();
  expect(lines).toEqual(["A", "B", "A", "B (2 more in the last 30 s)"]);
  expect(numbers).toEqual([undefined, undefined, 1, 2]);
  // The end of the program flushes more than once.
  repeats.flush();
  expect(lines).toHaveLength(4);
});

test("after a window without repetitions, the next line of the kind is logged at once", async () => {
  const lines: string[] = [];
  const repeats = new Repeats(({ message }) => lines.push(String(message[0])), 5);
  repeats.log(record("A 1"));
  // Timers of the same length fire in the order in which they were set.
  await new Promise((resolve) => setTimeout(resolve, 5));
  repeats.log(record("A 2"));
  expect(lines).toEqual(["A 1", "A 2"]);
});

test("progress and debug lines are never summed up, and thousands of different texts need no memory", () => {
  const lines: string[] = [];
  const repeats = new Repeats(({ message }) => lines.push(String(message[0])));
  for (let i = 0; i < 3; i++) repeats.log(record(`${i} read`, "info", { progress: true }));
  for (let i = 0; i < 3; i++) repeats.log(record("detail", "debug"));
  expect(lines).toHaveLength(6);
  const text = (i: number) => String.fromCodePoint(0x4e00 + i);
  for (let i = 0; i < 5000; i++) repeats.log(record(text(i)));
  expect(lines.length).toBeLessThan(300);
  repeats.flush();
  expect(lines.at(-1)).toMatch(/^. \(47\d\d more in the last 30 s\)$/);
});

test("the lines about a problem are one kind, so the last one tells how it is now; lines about other workers are other kinds", () => {
  const lines: string[] = [];
  const repeats = new Repeats(({ message }) => lines.push(String(message[0])));
  const full = () => repeats.log(record("the registry is full", "error", { problem: "registry-full" }));
  const room = () => repeats.log(record("the registry has room again", "info", { problem: "registry-full" }));
  full();
  room();
  full();
  room();
  full();
  expect(lines).toEqual(["the registry is full", "the registry has room again"]);
  repeats.flush();
  expect(lines.at(-1)).toBe("the registry is full (3 more in the last 30 s)");
  for (const worker of [1, 2, 3, 3]) repeats.log(record(`worker ${worker} crashed`, "error", { worker }));
  expect(lines.slice(3)).toEqual(["worker 1 crashed", "worker 2 crashed", "worker 3 crashed"]);
});

test("an error is not held back because of many other lines", () => {
  const lines: string[] = [];
  const repeats = new Repeats(({ message }) => lines.push(String(message[0])));
  for (let i = 0; i < 300; i++) repeats.log(record(String.fromCodePoint(0x4e00 + i), "info"));
  repeats.log(record("fatal", "error"));
  expect(lines.at(-1)).toBe("fatal");
});
