import { expect, test } from "bun:test";
import { concurrently } from "../../../src/cli/lookup/concurrently.ts";

/** Work that ends when the test says so. */
function controlled() {
  const finish = new Map<string, () => void>();
  const work = (item: string) => new Promise<string>((resolve) => finish.set(item, () => resolve(item.toUpperCase())));
  return { finish, work };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("results come in the order in which they become known, and no more than the limit run at once", async () => {
  const { finish, work } = controlled();
  const results = concurrently(["a", "b", "c", "d"], 2, work);
  const first = results.next();
  await settle();
  expect([...finish.keys()]).toEqual(["a", "b"]);
  finish.get("b")!();
  expect(await first).toEqual({ done: false, value: "B" });
  const second = results.next();
  await settle();
  expect([...finish.keys()]).toEqual(["a", "b", "c"]);
  finish.get("c")!();
  finish.get("a")!();
  expect(new Set([(await second).value, (await results.next()).value])).toEqual(new Set(["A", "C"]));
  const last = results.next();
  await settle();
  finish.get("d")!();
  expect(await last).toEqual({ done: false, value: "D" });
  expect(await results.next()).toEqual({ done: true, value: undefined });
});

test("a result does not wait for the next item", async () => {
  const { finish, work } = controlled();
  async function* items() {
    yield "a";
    await new Promise(() => {});
  }
  const first = concurrently(items(), 2, work).next();
  await settle();
  finish.get("a")!();
  expect(await first).toEqual({ done: false, value: "A" });
});

test("an error of the items or of the work is thrown", async () => {
  async function* items() {
    yield "a";
    throw new Error("no more items");
  }
  const never = () => new Promise<string>(() => {});
  await expect(concurrently(items(), 2, never).next()).rejects.toThrow("no more items");
  const broken = () => Promise.reject(new Error("broken"));
  await expect(concurrently(["a"], 2, broken).next()).rejects.toThrow("broken");
});

test("without items there are no results", async () => {
  expect(await Array.fromAsync(concurrently([], 2, () => Promise.resolve(1)))).toEqual([]);
});
