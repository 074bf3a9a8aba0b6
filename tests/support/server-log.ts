/** The logs of servers in the process of the test, one for each server. */
import { AsyncLocalStorage } from "node:async_hooks";
import { configure, type LogRecord, reset } from "@logtape/logtape";

/** The log of the server whose code runs. All that a server does was begun by its start. */
const logOf = new AsyncLocalStorage<LogRecord[]>();

/** Call it before the first server starts. */
export async function keepLogs(): Promise<void> {
  await configure({
    sinks: { log: (record) => void logOf.getStore()?.push(record) },
    loggers: [
      { category: "whereabouts", sinks: ["log"] },
      { category: ["logtape", "meta"], sinks: [] },
    ],
    reset: true,
  });
}

export const dropLogs = reset;

/** Starts a server. What it logs from then on is added to `log`. */
export function startWithLog<Server>(log: LogRecord[], start: () => Promise<Server>): Promise<Server> {
  return logOf.run(log, start);
}

export function textOf({ message }: LogRecord): string {
  return message.join("");
}
