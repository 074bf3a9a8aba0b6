/** Entry of the thread of an SQLite journal: one file, and nobody who waits. */
import { JournalError } from "../journal.ts";
import { SqliteFile } from "./file.ts";
import type { FromFile, ToFile } from "./messages.ts";

declare const self: Worker;

/** Batches that are sent ahead of being taken. */
const AHEAD = 8;

let file: SqliteFile | undefined;
let last = 0;
let room = AHEAD;
let wake: () => void = () => {};
let queue: Promise<void> = Promise.resolve();

function tell(message: FromFile, transfer: ArrayBuffer[] = []): void {
  self.postMessage(message, transfer);
}

async function read(file: SqliteFile, since: number): Promise<void> {
  for (const { data } of file.batches(since)) {
    // What SQLite gave is a copy of its own, and may go.
    const bytes = new Uint8Array(data.slice());
    tell({ type: "batch", data: bytes }, [bytes.buffer]);
    if (--room === 0) await new Promise<void>((resolve) => (wake = resolve));
  }
}

async function handle(message: ToFile): Promise<FromFile> {
  switch (message.type) {
    case "open": {
      file ??= new SqliteFile(message.path);
      let renewed = false;
      if (message.write) renewed = file.open();
      else file.openForReading();
      if (message.read) await read(file, message.since);
      return { type: "done", last, entries: file.entries, renewed };
    }
    case "append": {
      last = file!.append(message.bytes, message.count, message.newest);
      file!.expire(message.since);
      return { type: "done", last, entries: file!.entries };
    }
    case "drop":
      while (file!.dropUpTo(message.upTo, message.spare));
      return { type: "done", entries: file!.entries };
    case "tidy":
      while (file!.expire(message.since));
      file!.shrink();
      return { type: "done", entries: file!.entries };
    case "setAside":
      return { type: "done", aside: file!.setAside() };
    case "storageInfo":
      return { type: "done", figures: file!.figures() };
    default:
      file?.close();
      return { type: "done" };
  }
}

self.onmessage = ({ data }: MessageEvent<ToFile>) => {
  if (data.type === "taken") {
    room++;
    wake();
    return;
  }
  queue = queue.then(async () => {
    try {
      tell(await handle(data));
    } catch (error) {
      const code = error instanceof JournalError ? error.code : "failed";
      tell({ type: "failed", code, message: (error as Error).message });
    }
  });
};
