/**
 * Compiles and runs the examples in the documentation. An example is a block of TypeScript. If it has no import, one of
 * its entry point is added. A comment after a statement states the result:
 *
 *     expression; // => value                    the expression is deeply equal to the value
 *     const name = expression; // => value       the declared value is deeply equal to the value
 *     expression; // throws RangeError           it throws, or rejects with, an error of that class
 */
import { readdirSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  isExpressionStatement,
  isIdentifier,
  isVariableStatement,
  type Node,
  type SourceFile,
} from "typescript/unstable/ast";
import type { API, Diagnostic, Project } from "typescript/unstable/async";
import type { Documented, Entry } from "./api.ts";
import type { Outcome } from "./example-checks.ts";
import { exampleCode, STATED, tagged } from "./markdown.ts";

const ROOT = join(import.meta.dir, "../..");
const FOLDER = "build.examples.";
const CHECKS = join(import.meta.dir, "example-checks.ts");
/** Enough for examples that start a server and wait for replies. */
const TIMEOUT_MS = 20_000;

export interface Example {
  /** Such as `whereabouts/codec Codec.decode (src/codec/types.ts:59)`. */
  readonly name: string;
  /** The name of its file. */
  readonly file: string;
  /** Its code, after a line with its import. */
  readonly code: string;
}

export interface RunOptions {
  /** Wraps the command, for instance to run it in a network namespace. */
  readonly wrap?: ((command: string[]) => string[]) | undefined;
  /** In milliseconds. */
  readonly timeout?: number;
}

/** Why each example failed; `undefined` if it passed. */
export type Failures = Map<Example, string | undefined>;

/** All examples of an entry point. */
export function examplesOf({ name: entry, documented, exports }: Entry): Example[] {
  const list = documented.flatMap((item) => codesOf(item).map((code) => ({ item, code })));
  return list.map(({ item, code }, i) => ({
    name: `${entry} ${item.name} (${item.where})`,
    file: `${entry}-${item.name}-${i}`.replace(/[^\w.-]+/g, "-").concat(".ts"),
    code: `${importLine(entry, exports, code)}\n${code}\n`,
  }));
}

function codesOf({ docs }: Documented): string[] {
  return tagged(docs, "example")
    .map(exampleCode)
    .filter((code) => code !== undefined);
}

/** An import of the exports that the code uses; empty if the code has imports. */
function importLine(entry: string, exports: ReadonlyMap<string, boolean>, code: string): string {
  if (/^import\b/m.test(code)) return "";
  const used = [...exports].filter(([name]) => new RegExp(`(?<![\\w.$])${name}(?![\\w$])`).test(code));
  return `import { ${used.map(([name, type]) => (type ? `type ${name}` : name)).join(", ")} } from "${entry}";`;
}

/** A folder of examples. It is inside this checkout, so that examples can import the package by its name. */
export class ExampleProject implements AsyncDisposable {
  readonly #folder = join(ROOT, `${FOLDER}${process.pid}`);
  #project: Project | undefined;

  /** Writes all examples to files and opens them in the compiler as one project. */
  async open(api: API, examples: readonly Example[]): Promise<void> {
    sweep();
    process.once("exit", this.#remove);
    await mkdir(this.#folder, { recursive: true });
    for (const { file, code } of examples) await Bun.write(this.#path(file), code);
    const config = {
      extends: join(ROOT, "tsconfig.json"),
      // An example may declare values or parameters that it does not use.
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ["*.ts"],
      exclude: [],
    };
    const path = this.#path("tsconfig.json");
    await Bun.write(path, JSON.stringify(config));
    const snapshot = await api.updateSnapshot({ openProjects: [path] });
    this.#project = snapshot.getProject(path);
    if (this.#project === undefined) throw new Error("the compiler cannot open the examples as a project");
  }

  /** The compiler's errors in an example, each with its line of code. */
  async errors({ file }: Example): Promise<string[]> {
    const { program } = this.#project!;
    const { text } = await this.#source(file);
    const path = this.#path(file);
    const found = [...(await program.getSyntacticDiagnostics(path)), ...(await program.getSemanticDiagnostics(path))];
    return found.map((diagnostic) => `${lineAt(text, diagnostic.pos)}: ${messageOf(diagnostic)}`);
  }

  /**
   * Runs examples in one new process, one after the other.
   *
   * @returns for each example the reason why it failed, or `undefined`. If the process times out, exits with an error
   *   or writes to standard error, all of the examples fail
   */
  async run(examples: readonly Example[], { wrap, timeout = TIMEOUT_MS }: RunOptions = {}): Promise<Failures> {
    const programs: string[] = [];
    for (const { file } of examples) {
      const program = this.#path(join("run", file));
      await Bun.write(program, checked(await this.#source(file), program));
      programs.push(program);
    }
    const report = `${programs[0]}.json`;
    const command = [process.execPath, CHECKS, report, ...programs];
    const child = Bun.spawn(wrap?.(command) ?? command, {
      stdio: ["ignore", "pipe", "pipe"],
      timeout,
      killSignal: "SIGKILL",
    });
    const [, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    let failure: string | undefined;
    if (child.signalCode !== null) failure = `it did not exit by itself\n${stderr}`;
    else if (code !== 0 || stderr !== "") failure = `exit ${code}\n${stderr}`;
    const outcomes: Record<string, Outcome> = (await Bun.file(report).exists()) ? await Bun.file(report).json() : {};

    const failures: Failures = new Map();
    for (const [i, example] of examples.entries()) {
      const { done, error } = outcomes[programs[i]!] ?? { done: [] };
      const missed = statements(await this.#source(example.file)).filter((_, number) => !done.includes(number));
      const unreached = missed.length === 0 ? undefined : `never reached ${missed.map(({ code }) => code).join(", ")}`;
      failures.set(example, error ?? failure ?? unreached);
    }
    return failures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#remove);
    this.#remove();
  }

  readonly #remove = (): void => rmSync(this.#folder, { recursive: true, force: true });

  #path(file: string): string {
    return join(this.#folder, file);
  }

  async #source(file: string): Promise<SourceFile> {
    const source = await this.#project!.program.getSourceFile(this.#path(file));
    if (source === undefined) throw new Error(`the compiler does not have ${file}`);
    return source;
  }
}

/** Removes the folders of test processes that were killed. */
function sweep(): void {
  for (const name of readdirSync(ROOT)) {
    const pid = name.startsWith(FOLDER) ? Number(name.slice(FOLDER.length)) : 0;
    if (pid > 0 && pid !== process.pid && !isAlive(pid)) rmSync(join(ROOT, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process exists, but belongs to another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function lineAt(text: string, position: number): string {
  const start = text.lastIndexOf("\n", position - 1) + 1;
  return text.slice(start).split("\n", 1)[0]!.trim();
}

function messageOf({ text, messageChain }: Diagnostic): string {
  return [text, ...(messageChain ?? []).map(messageOf)].join(" ");
}

interface Statement {
  readonly node: Node;
  /** The expression, or the name of the declared constant. */
  readonly code: string;
  readonly kind: "=>" | "throws";
  /** The expected value, or the name of the error class. */
  readonly wanted: string;
}

/** The statements with a stated result, in order. */
function statements(source: SourceFile): Statement[] {
  const list: Statement[] = [];
  const visit = (node: Node): void => {
    const [after] = source.text.slice(node.end).split("\n", 1);
    const [, kind, wanted] = (/^\s*\/\//.test(after!) && STATED.exec(after!)) || [];
    const code = kind === undefined ? undefined : resultOf(node, source);
    if (code !== undefined) list.push({ node, code, kind: kind as Statement["kind"], wanted: wanted!.trim() });
    node.forEachChild(visit);
  };
  visit(source);
  const stated = source.text.split("\n").filter((line) => STATED.test(line)).length;
  if (stated !== list.length) {
    throw new Error(`${stated - list.length} of ${stated} stated results do not follow a statement that has a result`);
  }
  return list;
}

function resultOf(node: Node, source: SourceFile): string | undefined {
  if (isExpressionStatement(node)) return node.expression.getText(source);
  if (!isVariableStatement(node)) return undefined;
  const [declaration, ...more] = node.declarationList.declarations;
  return declaration && more.length === 0 && isIdentifier(declaration.name) ? declaration.name.text : undefined;
}

/** Adds the checks of the results to the program. Line numbers stay the same, so that errors have the right ones. */
function checked(source: SourceFile, file: string): string {
  let text = source.text;
  const list = statements(source);
  for (const [i, { node, code, kind, wanted }] of [...list.entries()].reverse()) {
    const start = node.getStart(source);
    const statement = text.slice(start, node.end);
    const which = `${JSON.stringify(file)}, ${i}, ${JSON.stringify(code)}`;
    const check =
      kind === "throws"
        ? `await __checks.throws(${which}, async () => { ${statement} }, ${JSON.stringify(wanted)});`
        : `__checks.gives(${which}, (${code}), (${wanted}));`;
    const kept = kind === "=>" && isVariableStatement(node) ? `${statement} ` : "";
    text = `${text.slice(0, start)}${kept}${check}${text.slice(node.end)}`;
  }
  return `import * as __checks from ${JSON.stringify(CHECKS)}; ${text}`;
}
