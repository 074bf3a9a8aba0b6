/** Entry point of the worker thread of an SQLite journal: SQLite's calls block, and here they block nobody else. */
import { JournalError } from "../journal.ts";
import { SqliteFile } from "./file.ts";
import type { Reply, Request } from "./messages.ts";

declare const self: Worker;

/** Batches that may be sent before one of them is reported as merged: bounds the memory of a restore. */
const MAX_IN_FLIGHT = 8;

let file: SqliteFile | undefined;
let credits = MAX_IN_FLIGHT;
let wake: () => void = () => {};
let queue: Promise<void> = Promise.resolve();

function send(message: Reply, transfer: ArrayBuffer[] = []): void {
  self.postMessage(message, transfer);
}

async function read(file: SqliteFile, since: number): Promise<void> {
  for (const { data, shift } of file.batches(since)) {
    // The buffer of a copy of our own can be transferred.
    const bytes = new Uint8Array(data.slice());
    send({ type: "batch", data: bytes, shift }, [bytes.buffer]);
    if (--credits === 0) await new Promise<void>((resolve) => (wake = resolve));
  }
}

async function handle(message: Request): Promise<Reply> {
  switch (message.type) {
    case "open": {
      file ??= new SqliteFile(message.path);
      let replaced = false;
      if (message.write) replaced = file.open(message.boot);
      else file.openForReading(message.boot);
      if (message.read) await read(file, message.since);
      return { type: "done", last: file.last, entries: file.entries, replaced, shifted: file.shifted };
    }
    case "append": {
      file!.append(message.bytes, message.count, message.newest);
      file!.expire(message.since);
      return { type: "done", last: file!.last, entries: file!.entries };
    }
    case "drop":
      while (file!.dropUpTo(message.upTo, message.spareInitial));
      return { type: "done", entries: file!.entries };
    case "cleanUp":
      while (file!.expire(message.since));
      file!.shrink();
      return { type: "done", entries: file!.entries };
    case "clock":
      file!.beginTimeline(message.boot);
      return { type: "done", last: file!.last };
    case "setAside":
      return { type: "done", aside: file!.setAside() };
    case "storageInfo":
      return { type: "done", info: file!.info() };
    default:
      file?.close();
      return { type: "done" };
  }
}

self.onmessage = ({ data }: MessageEvent<Request>) => {
  if (data.type === "merged") {
    credits++;
    wake();
    return;
  }
  queue = queue.then(async () => {
    try {
      send(await handle(data));
    } catch (error) {
      const code = error instanceof JournalError ? error.code : "failed";
      send({ type: "failed", code, message: (error as Error).message });
    }
  });
};
