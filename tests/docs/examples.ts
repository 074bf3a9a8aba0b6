/**
 * The examples of the documentation as programs. An example is a block of TypeScript that stands by itself; what it uses
 * of its entry point is imported for it, if it imports nothing. A comment behind a statement states what comes of it:
 *
 *     expression; // => value                    the expression is deeply equal to the value
 *     const name = expression; // => value       so is what was declared
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
/** Ample for those that start a server and wait for replies. */
const PATIENCE_MS = 20_000;

export interface Example {
  /** `whereabouts/codec Codec.decode (src/codec/types.ts:59)`. */
  readonly name: string;
  /** Its file, without a folder. */
  readonly file: string;
  /** With its import in front, on a line of its own. */
  readonly code: string;
}

export interface RunOptions {
  /** Gives the command that runs a command elsewhere. */
  readonly wrap?: ((command: string[]) => string[]) | undefined;
  /** Milliseconds after which it is not waited for any more. */
  readonly patience?: number;
}

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

/** An import of what the code uses, or nothing where it has one of its own. */
function importLine(entry: string, exports: ReadonlyMap<string, boolean>, code: string): string {
  if (/^import\b/m.test(code)) return "";
  const used = [...exports].filter(([name]) => new RegExp(`(?<![\\w.$])${name}(?![\\w$])`).test(code));
  return `import { ${used.map(([name, type]) => (type ? `type ${name}` : name)).join(", ")} } from "${entry}";`;
}

/** A folder of the project, so that the package finds itself by its name. */
export class Workshop implements AsyncDisposable {
  readonly #folder = join(ROOT, `${FOLDER}${process.pid}`);
  #project: Project | undefined;

  /** Writes the examples down and has the compiler read them, all at once. */
  async open(api: API, examples: readonly Example[]): Promise<void> {
    sweep();
    process.once("exit", this.#remove);
    await mkdir(this.#folder, { recursive: true });
    for (const { file, code } of examples) await Bun.write(this.#path(file), code);
    const config = {
      extends: join(ROOT, "tsconfig.json"),
      // An example may name what it does not use: a parameter, or a value that it only shows.
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ["*.ts"],
      exclude: [],
    };
    const path = this.#path("tsconfig.json");
    await Bun.write(path, JSON.stringify(config));
    const snapshot = await api.updateSnapshot({ openProjects: [path] });
    this.#project = snapshot.getProject(path);
    if (this.#project === undefined) throw new Error("the compiler does not take the examples for a project");
  }

  /** What the compiler says of an example, each error with the line that it is about. */
  async errors({ file }: Example): Promise<string[]> {
    const { program } = this.#project!;
    const { text } = await this.#source(file);
    const path = this.#path(file);
    const found = [...(await program.getSyntacticDiagnostics(path)), ...(await program.getSemanticDiagnostics(path))];
    return found.map((diagnostic) => `${lineAt(text, diagnostic.pos)}: ${messageOf(diagnostic)}`);
  }

  /**
   * Runs examples, one after the other, in a process of their own.
   *
   * @returns for each, why it did not do what it says, or `undefined`. A process that does not end by itself, and well, or
   *   that complains on standard error, is the fault of all of them
   */
  async run(examples: readonly Example[], { wrap, patience = PATIENCE_MS }: RunOptions = {}): Promise<Failures> {
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
      timeout: patience,
      killSignal: "SIGKILL",
    });
    const [, complaints, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    let fault: string | undefined;
    if (child.signalCode !== null) fault = `it did not end by itself\n${complaints}`;
    else if (code !== 0 || complaints !== "") fault = `exit ${code}\n${complaints}`;
    const outcomes: Record<string, Outcome> = (await Bun.file(report).exists()) ? await Bun.file(report).json() : {};

    const failures: Failures = new Map();
    for (const [i, example] of examples.entries()) {
      const { done, error } = outcomes[programs[i]!] ?? { done: [] };
      const missed = statements(await this.#source(example.file)).filter((_, number) => !done.includes(number));
      const unseen = missed.length === 0 ? undefined : `never got to ${missed.map(({ code }) => code).join(", ")}`;
      failures.set(example, error ?? fault ?? unseen);
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
    if (source === undefined) throw new Error(`the compiler does not see ${file}`);
    return source;
  }
}

/** Removes what processes left that were killed. */
function sweep(): void {
  for (const name of readdirSync(ROOT)) {
    const pid = name.startsWith(FOLDER) ? Number(name.slice(FOLDER.length)) : 0;
    if (pid > 0 && pid !== process.pid && !lives(pid)) rmSync(join(ROOT, name), { recursive: true, force: true });
  }
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It may be another user's.
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
  /** The expression, or the name of what is declared. */
  readonly code: string;
  readonly kind: "=>" | "throws";
  /** The value, or the name of the class. */
  readonly wanted: string;
}

/** The statements whose results are stated, in their order. */
function statements(source: SourceFile): Statement[] {
  const list: Statement[] = [];
  const visit = (node: Node): void => {
    const [behind] = source.text.slice(node.end).split("\n", 1);
    const [, kind, wanted] = (/^\s*\/\//.test(behind!) && STATED.exec(behind!)) || [];
    const code = kind === undefined ? undefined : resultOf(node, source);
    if (code !== undefined) list.push({ node, code, kind: kind as Statement["kind"], wanted: wanted!.trim() });
    node.forEachChild(visit);
  };
  visit(source);
  const stated = source.text.split("\n").filter((line) => STATED.test(line)).length;
  if (stated !== list.length) {
    throw new Error(`${stated - list.length} of ${stated} results do not stand behind a statement that has one`);
  }
  return list;
}

function resultOf(node: Node, source: SourceFile): string | undefined {
  if (isExpressionStatement(node)) return node.expression.getText(source);
  if (!isVariableStatement(node)) return undefined;
  const [declaration, ...more] = node.declarationList.declarations;
  return declaration && more.length === 0 && isIdentifier(declaration.name) ? declaration.name.text : undefined;
}

/** The program with its results checked. No line moves, so that an error tells where it is. */
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
