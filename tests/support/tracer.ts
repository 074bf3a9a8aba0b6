/**
 * `bun tracer.ts`: stops a thread of another process, as a debugger does. Reads commands, one per line: `stop THREAD` stops a thread,
 * `go` lets it go on. Answers each with a line: `done`, or the reason why not.
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

let thread = 0;
const status = new Int32Array(1);

function call(name: string, request: number): void {
  if (Number(ptrace(request, thread, 0, 0)) !== 0) throw new Error(`${name} failed`);
}

function wait(): void {
  if (waitpid(thread, status, WALL) !== thread) throw new Error("waitpid failed");
}

function handle(what: string, number: number): string {
  try {
    if (what === "stop") {
      thread = number;
      call("PTRACE_SEIZE", PTRACE_SEIZE);
      call("PTRACE_INTERRUPT", PTRACE_INTERRUPT);
      wait();
    } else call("PTRACE_DETACH", PTRACE_DETACH);
    return "done";
  } catch (error) {
    return (error as Error).message;
  }
}

for await (const command of createInterface(process.stdin)) {
  const [what, number] = command.split(" ");
  console.log(handle(what!, Number(number)));
}
