import { expect, test } from "bun:test";
import { DiscoveryError } from "../../src/client/error.ts";
import { Session } from "../../src/client/session.ts";

interface Change {
  readonly type: "new" | "gone";
  readonly name: string;
}

interface Events {
  new: Change;
  gone: Change;
  error: DiscoveryError;
}

const sessionOf = () => new Session<Events, Change>(["new", "gone", "error"], ({ name }) => name);
const change = (name: string, type: Change["type"] = "new"): Change => ({ type, name });

test("a stream begins with what is known, and has the latest change of each name that was not read", async () => {
  const session = sessionOf();
  const stream = session.watch([change("a"), change("b")], undefined);
  session.changed(change("b", "gone"));
  session.changed(change("c"));
  session.changed(change("c", "gone"));
  session.close();
  // The first one waits in the stream, where it cannot be replaced any more.
  expect(await Array.fromAsync(stream)).toEqual([change("a")]);

  const other = sessionOf();
  const changes = other.watch([change("a"), change("b")], undefined)[Symbol.asyncIterator]();
  other.changed(change("b", "gone"));
  other.changed(change("c"));
  other.changed(change("c", "gone"));
  const read = [];
  for (let i = 0; i < 3; i++) read.push((await changes.next()).value);
  expect(read).toEqual([change("a"), change("b", "gone"), change("c", "gone")]);
  other.close();
});

test("a stream of an aborted signal, or of a closed session, is empty", async () => {
  const session = sessionOf();
  expect(await Array.fromAsync(session.watch([change("a")], AbortSignal.abort()))).toEqual([]);
  session.close();
  expect(await Array.fromAsync(session.watch([], undefined))).toEqual([]);
  expect(session.close()).toBe(false);
});

test("events from before a session has started are delivered after that, and failures are counted at once", async () => {
  const session = sessionOf();
  const errors: string[] = [];
  session.on("error", ({ message }) => errors.push(message));
  const error = new DiscoveryError("server", "down");
  session.failed(error);
  expect(session.failures).toEqual({ errors: 1, lastError: error });
  expect(errors).toEqual([]);
  session.started(undefined, () => {});
  expect(errors).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(errors).toEqual(["server: down"]);
  session.close();
  session.failed(error);
  expect([session.failures.errors, errors.length]).toEqual([2, 1]);
});
