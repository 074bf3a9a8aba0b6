/**
 * `bun tracer.ts`: stops a thread of another process, as a debugger does. Reads commands, one per line: `stop THREAD MS` stops a thread
 * for so long, `go` lets it go on earlier. Answers each with a line: `done`, or the reason why not.
 */
import { createInterface } from "node:readline";
import { openLibrary } from "../../src/transport/libc.ts";

const PTRACE_DETACH = 17;
const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
/** Wait for threads too. */
const WALL = 0x40000000;

const { ptrace, waitpid } = openLibrary(process, {
  ptrace: { args: ["i64", "i64", "i64", "i64"], returns: "i64" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
}).symbols;

/** The stopped thread, or 0. */
let thread = 0;
let timer: Timer | undefined;

function call(name: string, request: number): void {
  if (Number(ptrace(request, thread, 0, 0)) !== 0) throw new Error(`${name} failed`);
}

/** Stops a thread. The process that it belongs to may be blocked too until it goes on, so a time ends the stop. */
function stop(number: number, ms: number): void {
  thread = number;
  call("PTRACE_SEIZE", PTRACE_SEIZE);
  call("PTRACE_INTERRUPT", PTRACE_INTERRUPT);
  if (waitpid(thread, new Int32Array(1), WALL) !== thread) throw new Error("waitpid failed");
  timer = setTimeout(go, ms);
}

function go(): void {
  clearTimeout(timer);
  if (thread !== 0) call("PTRACE_DETACH", PTRACE_DETACH);
  thread = 0;
}

for await (const command of createInterface(process.stdin)) {
  const [what, number, ms] = command.split(" ");
  let answer = "done";
  try {
    if (what === "stop") stop(Number(number), Number(ms));
    else go();
  } catch (error) {
    answer = (error as Error).message;
  }
  console.log(answer);
}
// The stopped thread goes on when this process ends.
process.exit(0);
