/** How a discoverer starts and ends, and what becomes of its errors. */
import { describe, expect, test } from "bun:test";
import { Discoverer, DiscoveryError } from "../../src/client/index.ts";
import { until } from "../support/time-limits.ts";

/** Nothing listens on that port. */
const REFUSED = { servers: ["127.0.0.1:1"], lan: false } as const;

describe("the signal of start()", () => {
  test("closes the discoverer when it is aborted", async () => {
    const controller = new AbortController();
    const discoverer = await Discoverer.start({ ...REFUSED, signal: controller.signal });
    const watching = Array.fromAsync(discoverer.watch());
    controller.abort();
    expect(await watching).toEqual([]);
    await expect(discoverer.lookup("A")).rejects.toThrow("the discoverer is closed");
    await discoverer.close();
  });

  test("rejects a start with its reason if it is aborted before, and leaves nothing open", async () => {
    const signal = AbortSignal.abort(new Error("not wanted"));
    await expect(Discoverer.start({ ...REFUSED, signal })).rejects.toThrow("not wanted");
  });

  test("is forgotten by close(), so that one signal can serve many discoverers", async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const { addEventListener, removeEventListener } = signal;
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof addEventListener>) => {
        listeners++;
        addEventListener.apply(signal, args);
      },
      removeEventListener: (...args: Parameters<typeof removeEventListener>) => {
        listeners--;
        removeEventListener.apply(signal, args);
      },
    });
    for (let i = 0; i < 3; i++) {
      await using _ = await Discoverer.start({ ...REFUSED, signal });
      expect(listeners).toBe(1);
    }
    expect(listeners).toBe(0);
  });
});

test("start() says first of all that it needs Bun or Node: an older Node lacks more than it can name", async () => {
  const { crypto } = globalThis;
  const { getBuiltinModule } = process;
  // As in Node 18.
  Object.defineProperty(globalThis, "crypto", { value: undefined, configurable: true, writable: true });
  Object.assign(process, { getBuiltinModule: undefined });
  try {
    await expect(Discoverer.start()).rejects.toThrow("whereabouts/client needs Bun, or Node 20.16 or later");
  } finally {
    Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true, writable: true });
    Object.assign(process, { getBuiltinModule });
  }
});

test("an error without a listener does not end the program, and is counted with the last one kept", async () => {
  await using discoverer = await Discoverer.start({ ...REFUSED, nodeId: "A", port: 1 });
  expect(discoverer.stats()).toMatchObject({ errors: 0, lastError: undefined });
  await until(() => discoverer.stats().errors > 0, "the error");
  const { lastError } = discoverer.stats();
  expect(lastError).toBeInstanceOf(DiscoveryError);
  expect(lastError).toMatchObject({ where: "127.0.0.1:1", code: "ECONNREFUSED" });
});

test("a discoverer is closed at the end of an `await using` block", async () => {
  let left: Discoverer;
  {
    await using discoverer = await Discoverer.start(REFUSED);
    left = discoverer;
  }
  await expect(left.lookup("A")).rejects.toThrow("closed");
});
