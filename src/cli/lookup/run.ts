/** Shared by the lookups of nodes and devices: they wait, print results as they arrive, report errors once, and set the exit code. */
import { isatty } from "node:tty";
import type { Command } from "commander";
import type { DiscoveryError } from "../../client/index.ts";
import { count } from "../../log/count.ts";
import { errorText, failOnStreamError } from "../errors.ts";
import { standardInput } from "../terminal/input.ts";
import { Lines, printError } from "../terminal/output.ts";
import { StatusLine } from "../terminal/status.ts";
import type { IdKind, IdLines } from "./input.ts";

/** The exit code if no server could be reached: what was looked for may well be known there. */
const UNREACHABLE = 3;

export interface LookupFlags {
  /** As typed. */
  readonly servers: readonly string[];
  readonly lan: boolean;
  readonly json: boolean;
  /** In milliseconds. */
  readonly timeout: number;
}

export interface Lookups<Id, Result> {
  readonly kind: IdKind<Id>;
  /** The IDs of the arguments; `undefined` if they are read from standard input. */
  readonly given: readonly Id[] | undefined;
  /** Reads those of standard input. */
  readonly lines: IdLines<Id>;
  /** Calls `report` for each failure from now on. */
  onError(report: (error: DiscoveryError) => void): void;
  /** Looks up all IDs, many at once. */
  lookUp(ids: Iterable<Id> | AsyncIterable<Id>): AsyncIterable<Result>;
  found(result: Result): boolean;
  /** The line that is printed. */
  show(result: Result): string;
  readonly json: boolean;
  readonly timeout: number;
  readonly command: Command;
}

export async function printLookups<Id, Result extends { readonly error?: DiscoveryError | undefined }>(
  lookups: Lookups<Id, Result>,
): Promise<void> {
  const { kind, given, lines: input, json, timeout, command } = lookups;
  let pending = 0;
  let deadline = 0;
  const statusText = () => {
    if (pending === 0) return given === undefined ? `waiting for ${kind.name}s on standard input` : "";
    const left = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
    return `looking for ${count(pending, kind.noun)}, up to ${left} s more`;
  };
  const typed = given === undefined && isatty(0);
  const captured = json && !process.stdout.isTTY;
  using status = process.stderr.isTTY && !typed && !captured ? new StatusLine(statusText) : undefined;

  const reported = new Set<string>();
  // Lookups are retried, so the same error can occur many times. It is reported once.
  const report = (error: DiscoveryError) => {
    if (reported.has(error.message)) return;
    reported.add(error.message);
    status?.hide();
    printError(`whereabouts: error: ${errorText(error)}`);
    status?.show();
  };
  lookups.onError(report);
  const lines = new Lines(status);
  // Nobody reads the output any more. Exits at once: a pending read from standard input cannot be cancelled, and would
  // keep the program running.
  void lines.gone.then(() => process.exit(0));
  const started = () => {
    pending++;
    deadline = performance.now() + timeout;
  };
  let missing = 0;
  let unreachable = 0;
  try {
    for await (const result of lookups.lookUp(each(given ?? input.read(standardInput()), started))) {
      pending--;
      if (result.error !== undefined) {
        unreachable++;
        // Usually the errors of the servers were reported already, one by one.
        if (reported.size === 0) report(result.error);
      } else if (!lookups.found(result)) missing++;
      await lines.add(lookups.show(result));
    }
    await lines.flush();
  } catch (error) {
    status?.[Symbol.dispose]();
    // A NodeID that is too long together with the group's name.
    if (error instanceof RangeError) command.error(`error: ${error.message}`, { exitCode: 2 });
    failOnStreamError(error, command);
  }
  status?.[Symbol.dispose]();
  if (input.wrong !== undefined) command.error(`error: ${input.wrong}`, { exitCode: 2 });
  if (unreachable > 0) process.exitCode = UNREACHABLE;
  else if (missing > 0) process.exitCode = 1;
}

/** Yields each of `items`, and calls `onNext` before that. */
async function* each<T>(items: Iterable<T> | AsyncIterable<T>, onNext: () => void): AsyncGenerator<T> {
  for await (const item of items) {
    onNext();
    yield item;
  }
}
