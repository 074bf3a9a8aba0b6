/** Entry of a thread that answers requests over HTTPS and HTTP. The control thread stores what devices announce. */
import { setPriority } from "node:os";
import { RequestHandler } from "../../syncthing/directory/handler.ts";
import { MissTable } from "../../syncthing/directory/misses.ts";
import { PlainListener } from "../../syncthing/directory/plain/listener.ts";
import { TlsListener } from "../../syncthing/directory/tls/listener.ts";
import { Clock } from "../clock.ts";
import { ThreadCounters } from "./counters.ts";
import { SharedDirectory } from "./directory.ts";
import type { DirectoryStart, FromDirectory, ToDirectory } from "./messages.ts";

declare const self: Worker;

/** How often the counters are copied to where the control thread reads them. */
const COUNTERS_MS = 250;

/**
 * The thread's nice value. Handshakes and floods of requests take much processor time, and packets must not wait for them: a
 * packet worker, of 0, gets nine times as much if both need the same processor.
 */
const NICE = 10;

type Merged = Extract<ToDirectory, { type: "announced" }>["merged"];

/** Announcements that the control thread has not handled yet, by their numbers. */
const pending = new Map<number, (merged: Merged) => void>();
let lastNumber = 0;
let listeners: readonly (TlsListener | PlainListener)[] = [];
let writeCounters = () => {};

function send(message: FromDirectory): void {
  self.postMessage(message);
}

// On Linux this is the priority of the calling thread; elsewhere it would be that of the process.
if (process.platform === "linux") setPriority(NICE);

async function start({ https, http, counters, missMemory, epoch, ...options }: DirectoryStart): Promise<void> {
  const shared = new ThreadCounters(counters);
  const directory = new SharedDirectory({ ...options, clock: new Clock(epoch), announce });
  const handler = new RequestHandler(directory, new MissTable(missMemory), (error) => {
    send({ type: "fault", message: error instanceof Error ? error.message : String(error) });
  });
  const secure = https && (await open("https", () => TlsListener.listen({ ...https, handler })));
  const plain = http && (await open("http", () => new PlainListener({ ...http, handler })));
  listeners = [secure, plain].filter((listener) => listener !== undefined);
  writeCounters = () => shared.write(listeners);
  setInterval(writeCounters, COUNTERS_MS);
  send({ type: "listening", ports: { https: secure?.port, http: plain?.port } });
}

/** Opens a listener. An error tells which one it was. */
async function open<T>(option: "https" | "http", listen: () => T | Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    throw Object.assign(error as Error, { option });
  }
}

function failed(error: NodeJS.ErrnoException & { option?: "https" | "http" }): void {
  const { option, code, message } = error;
  send({ type: "failed", option, code, message });
}

/** Has the control thread store what a device announced. */
async function announce(id: Uint8Array, addresses: readonly string[]): Promise<"new" | "known" | "full"> {
  const number = ++lastNumber;
  const merged = await new Promise<Merged>((resolve) => {
    pending.set(number, resolve);
    send({ type: "announce", number, id, addresses });
  });
  // It was announced just now, so it is not expired.
  return merged as Exclude<Merged, "expired">;
}

self.onmessage = async ({ data }: MessageEvent<ToDirectory>) => {
  if (data.type === "start") await start(data.start).catch(failed);
  else if (data.type === "announced") {
    pending.get(data.number)?.(data.merged);
    pending.delete(data.number);
  } else {
    await Promise.all(listeners.map((listener) => listener.close()));
    writeCounters();
    send({ type: "stopped" });
  }
};
