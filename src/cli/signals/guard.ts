/**
 * Entry of a thread that watches the control thread. Handlers of signals run in the control thread. If it hangs, this
 * thread gives the signals their default action back, which ends the process at once, until the control thread goes on.
 */
import { type Patience, Ticks, Watch } from "../../server/workers/ticks.ts";
import { openLibrary } from "../../transport/libc.ts";

declare const self: Worker;

/** Patience with the control thread. Unlike a worker it may be busy for a while, and a false alarm costs a clean stop. */
const PATIENCE: Patience = { asleep: 10, cpuMs: 1000, unknown: 50 };
/** More than the size of struct sigaction, which is 152 bytes in glibc and musl, on x64 and arm64. */
const ACTION_SIZE = 256;

/** The message to this thread. */
export interface Guarded {
  /** One word that the control thread increments several times a second. */
  readonly heartbeat: Int32Array;
  readonly thread: number | undefined;
  /** Numbers of the signals. */
  readonly signals: readonly number[];
}

function guard({ heartbeat, thread, signals }: Guarded): void {
  const { sigaction, _exit } = openLibrary(process, {
    sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    _exit: { args: ["i32"], returns: "void" },
  }).symbols;
  /** The default action: a handler of 0, no flags and an empty mask. */
  const none = new Uint8Array(ACTION_SIZE);
  // The kernel ignores the default action of process 1, as in a container. So there the handler, which gets the number of
  // the signal, is the function that ends the process with that exit code.
  if (process.pid === 1) new BigUint64Array(none.buffer)[0] = BigInt((_exit as unknown as { ptr: number }).ptr);
  const actions = signals.map(() => new Uint8Array(ACTION_SIZE));
  const ticks = new Ticks();
  const watch = new Watch(PATIENCE);
  let hangs = false;
  ticks.each(() => {
    const now = watch.check(Atomics.load(heartbeat, 0), thread, ticks) !== undefined;
    if (now === hangs) return;
    hangs = now;
    signals.forEach((signal, i) => {
      if (hangs) sigaction(signal, none, actions[i]!);
      else sigaction(signal, actions[i]!, null);
    });
  });
}

self.onmessage = ({ data }: MessageEvent<Guarded>) => guard(data);
