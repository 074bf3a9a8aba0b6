/** Runs `GlobalServer` in a process: a task per line of standard input, its results per line of standard output, as JSON. */
import { createInterface } from "node:readline";
import { GlobalServer } from "../../../src/syncthing/global/server.ts";
import type { Result, Task } from "./runtime.ts";

for await (const line of createInterface({ input: process.stdin })) {
  const { number, task } = JSON.parse(line) as { number: number; task: Task };
  void run(task).then((results) => console.log(JSON.stringify({ number, results })));
}

async function run({ url, identity, timeout, idle, announce, lookups = [], stop }: Task): Promise<Result[]> {
  const results: Result[] = [];
  let server: GlobalServer | undefined;
  try {
    server = new GlobalServer(url, identity, { ...(timeout && { timeout }), ...(idle && { idle }) });
    if (announce !== undefined) results.push(await server.announce(announce));
    const aborter = new AbortController();
    const all = lookups.map((id) => server!.lookup(Buffer.from(id, "hex"), aborter.signal).catch(failure));
    if (stop === "close") server.close();
    if (stop === "abort") aborter.abort(new Error("aborted by the test"));
    results.push(...(await Promise.all(all)));
  } catch (error) {
    results.push(failure(error));
  }
  if (stop !== "never") server?.close();
  return results;
}

function failure(error: unknown): Result {
  const { name, message, code, retryAfter } = error as Error & { code?: string; retryAfter?: number };
  return { error: `${name}: ${message}`, ...(code && { code }), ...(retryAfter && { retryAfter }) };
}
