/** Runs a function for many items at once. */

type Step<Item, Result> =
  | { readonly type: "item"; readonly next: IteratorResult<Item> }
  | { readonly type: "result"; readonly result: Result; readonly running: Promise<Step<Item, Result>> };

/**
 * Calls `work` for each of `items`, for up to `most` at once.
 *
 * @returns the results, in the order in which they become known
 */
export async function* concurrently<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  most: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const source = iterate(items);
  const running = new Set<Promise<Step<Item, Result>>>();
  let reading: Promise<Step<Item, Result>> | undefined;
  let ended = false;
  while (!ended || running.size > 0) {
    if (!ended && running.size < most) reading ??= source.next().then((next) => ({ type: "item", next }));
    const step = await Promise.race(reading === undefined ? running : [...running, reading]);
    if (step.type === "result") {
      running.delete(step.running);
      yield step.result;
      continue;
    }
    reading = undefined;
    if (step.next.done) {
      ended = true;
      continue;
    }
    const one: Promise<Step<Item, Result>> = work(step.next.value).then((result) => ({
      type: "result",
      result,
      running: one,
    }));
    running.add(one);
  }
}

async function* iterate<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* items;
}
