/** Runs the command line as a process of its own, in an environment without variables that change its behavior. */
import { beforeAll, describe } from "bun:test";
import { hasNode, NEEDS_NODE, NODE } from "./node.ts";
import { builtNodeCommand } from "./node-command.ts";
import { TEST_LIMIT_MS } from "./time-limits.ts";

export const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;

/** NO_COLOR changes what it prints. Node reads the certificates of the other variable at every start, which takes as long as the rest. */
const CHANGING = ["NO_COLOR", "NODE_EXTRA_CA_CERTS"];

/** The environment without variables that change the behavior of the command line. */
export const CLEAN = {
  ...Object.fromEntries(
    Object.entries(Bun.env).filter(([name]) => !name.startsWith("WHEREABOUTS_") && !CHANGING.includes(name)),
  ),
  // The default would be the journal of the user who runs the tests.
  WHEREABOUTS_JOURNAL: "memory",
  // Tests run side by side, and the default is one port.
  WHEREABOUTS_ADMIN: "off",
  // The default would be JSON, because tests read the log through a pipe.
  WHEREABOUTS_LOG_FORMAT: "pretty",
};

/** How the command line is started: the program and the file that it runs. */
type Runtime = () => readonly string[];

const bun: Runtime = () => [process.execPath, MAIN];

let nodeCommand = "";
const node: Runtime = () => [NODE, nodeCommand];

interface Options {
  readonly env?: Record<string, string>;
  /** A command that starts the process, such as `nsenter …`. */
  readonly by?: readonly string[];
  /** Default: Bun. */
  readonly runtime?: Runtime;
}

/** Starts the command. Its standard input stays open until the test closes it. */
export function start(args: readonly string[], { env, by = [], runtime = bun }: Options = {}) {
  return Bun.spawn([...by, ...runtime(), ...args], {
    env: { ...CLEAN, TZ: "UTC", ...env },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
}

export type Running = ReturnType<typeof start>;

/** Runs the command until it ends. */
export async function run(args: readonly string[], stdin: string | Uint8Array = "", options?: Options) {
  const child = start(args, options);
  child.stdin.write(stdin);
  child.stdin.end();
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

/** Reads a stream line by line. `next` waits for a line that matches and skips the lines before it. */
export class OutputLines {
  readonly lines: string[] = [];
  /** Resolves when the stream has ended. */
  readonly end: Promise<void>;
  #next = 0;
  #wake: () => void = () => {};
  #ended = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.end = this.#read(stream);
  }

  async next(pattern: RegExp): Promise<string> {
    for (;;) {
      while (this.#next < this.lines.length) {
        const line = this.lines[this.#next++]!;
        if (pattern.test(line)) return line;
      }
      if (this.#ended) throw new Error(`the output ended without ${pattern}: ${this.lines.join("\n")}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
      this.#wake();
    }
    if (rest !== "") this.lines.push(rest);
    this.#ended = true;
    this.#wake();
  }
}

/** The command on a terminal of its own. `text` is its output, including escape sequences. */
export class TerminalCommand implements AsyncDisposable {
  readonly child: Bun.Subprocess;
  readonly terminal: Bun.Terminal;
  text = "";

  constructor(args: readonly string[], { env, by = [], runtime = bun }: Options = {}, size = { cols: 80, rows: 24 }) {
    const decoder = new TextDecoder();
    this.child = Bun.spawn([...by, ...runtime(), ...args], {
      env: { ...CLEAN, TZ: "UTC", TERM: "xterm-256color", ...env },
      // A terminal that was created before would not be the controlling terminal, which sends signals such as SIGINT.
      terminal: {
        ...size,
        data: (_terminal, bytes) => {
          this.text += decoder.decode(bytes, { stream: true });
        },
      },
    });
    this.terminal = this.child.terminal!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
    this.terminal.close();
  }
}

/** The functions above for one runtime. */
export interface CommandOf {
  /** The program and the file that it runs. */
  readonly argv: Runtime;
  start(...parameters: Parameters<typeof start>): Running;
  run(...parameters: Parameters<typeof run>): ReturnType<typeof run>;
  terminal(...parameters: ConstructorParameters<typeof TerminalCommand>): TerminalCommand;
}

/** Tests of the command line that hold under Bun and, if there is a Node, also under Node. */
export function describeCommand(title: string, tests: (command: CommandOf) => void): void {
  const of = (runtime: Runtime): CommandOf => ({
    argv: runtime,
    start: (args, options) => start(args, { ...options, runtime }),
    run: (args, stdin, options) => run(args, stdin, { ...options, runtime }),
    terminal: (args, options, size) => new TerminalCommand(args, { ...options, runtime }, size),
  });
  describe(`${title} under Bun`, () => tests(of(bun)));
  const underNode = () => {
    beforeAll(async () => {
      nodeCommand = await builtNodeCommand();
    }, TEST_LIMIT_MS);
    tests(of(node));
  };
  if (hasNode || Bun.env.CI === "true") describe(`${title} under Node`, underNode);
  else describe.skip(`${title} under Node (${NEEDS_NODE})`, underNode);
}
