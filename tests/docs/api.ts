/**
 * Reads every export of the entry points and its documentation, with the compiler, and finds what is not documented.
 */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import {
  isArrowFunction,
  isClassDeclaration,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isIdentifier,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isPrivateIdentifier,
  isVariableDeclaration,
  type Node,
  type ParameterDeclaration,
  SyntaxKind,
} from "typescript/unstable/ast";
import { type API, SymbolFlags } from "typescript/unstable/async";
import { type Docs, exampleCode, parseDocs, STATED, tagged } from "./markdown.ts";
import { Throwing } from "./throwing-functions.ts";

const ROOT = join(import.meta.dir, "../..");

/** The kinds of exports and members that need different documentation. */
type Kind = "function" | "constructor" | "class" | "other";

export interface Documented {
  /** The name of the entry point, such as `whereabouts/codec`. */
  readonly entry: string;
  /** Such as `createCodec` or `Codec.decode`. */
  readonly name: string;
  /** File and line, such as `src/codec/types.ts:47`. */
  readonly where: string;
  readonly kind: Kind;
  readonly docs: Docs | undefined;
  /** The names of the parameters; `undefined` for a destructured one. */
  readonly parameters: readonly (string | undefined)[];
  /** Whether it returns something. */
  readonly returns: boolean;
  /** Whether it can throw; `undefined` if it has no body from which that can be found. */
  readonly throws: boolean | undefined;
}

export interface Entry {
  readonly name: string;
  readonly documented: readonly Documented[];
  /** The names of all exports. The value is true for a type. */
  readonly exports: ReadonlyMap<string, boolean>;
}

/** The entry points that package.json exports, each with its source file. */
export async function entryPoints(): Promise<[name: string, file: string][]> {
  const { name, exports } = await Bun.file(join(ROOT, "package.json")).json();
  return Object.keys(exports)
    .map((key): [string, string] => [key, join(ROOT, "src", key, "index.ts")])
    .filter(([, file]) => existsSync(file))
    .map(([key, file]) => [name + key.slice(1), file]);
}

/** Reads all entry points. What two of them export is listed for the more specific one only. */
export async function readEntries(api: API): Promise<Entry[]> {
  const snapshot = await api.updateSnapshot({ openProjects: [join(ROOT, "tsconfig.json")] });
  const project = snapshot.getProjects()[0]!;
  const throwing = new Throwing(project);
  const entries: Entry[] = [];
  const seen = new Set<number>();
  const points = await entryPoints();
  for (const [name, file] of points.sort(([a], [b]) => b.length - a.length)) {
    const source = await project.program.getSourceFile(file);
    const module = source && (await project.checker.getSymbolAtLocation(source));
    if (module === undefined) throw new Error(`${file} is not a module of the project`);
    const documented: Documented[] = [];
    const exports = new Map<string, boolean>();
    for (const found of await project.checker.getExportsOfModule(module)) {
      const symbol = found.flags & SymbolFlags.Alias ? await project.checker.getAliasedSymbol(found) : found;
      exports.set(found.name, (symbol.flags & SymbolFlags.Value) === 0);
      if (seen.has(symbol.id) || symbol.flags & SymbolFlags.Module) continue;
      seen.add(symbol.id);
      const context = { throwing, entry: name };
      const declarations = await Promise.all(symbol.declarations.map((handle) => handle.resolve(project)));
      for (const declaration of withoutImplementations(declarations.filter((node) => node !== undefined))) {
        documented.push(...(await describe(context, found.name, declaration)));
      }
    }
    entries.push({ name, documented, exports });
  }
  return entries;
}

interface Context {
  readonly throwing: Throwing;
  readonly entry: string;
}

async function describe(context: Context, name: string, declaration: Node): Promise<Documented[]> {
  if (isClassDeclaration(declaration)) {
    const members = withoutImplementations(declaration.members.filter((member) => !isHidden(member)));
    const list = await Promise.all(members.map((member) => one(context, `${name}.${memberName(member)}`, member)));
    return [await one(context, name, declaration), ...list];
  }
  if (isInterfaceDeclaration(declaration)) {
    const { members } = declaration;
    const list = await Promise.all(members.map((member) => one(context, `${name}.${memberName(member)}`, member)));
    return [await one(context, name, declaration), ...list];
  }
  return [await one(context, name, declaration)];
}

async function one({ throwing, entry }: Context, name: string, node: Node): Promise<Documented> {
  // The comment of a constant belongs to the statement that declares it.
  const comment = (isVariableDeclaration(node) ? node.parent.parent : node).jsDoc?.at(-1)?.getText();
  const docs = comment === undefined ? undefined : parseDocs(comment);
  const source = node.getSourceFile();
  const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  const where = `${relative(ROOT, source.fileName)}:${line}`;
  const callable = callableOf(node);
  const kind = isClassDeclaration(node) ? "class" : isConstructorDeclaration(node) ? "constructor" : undefined;
  // Programs do not call symbol methods such as `[Symbol.asyncDispose]` themselves, so those need no tags.
  if (callable === undefined || name.includes("[")) {
    return { entry, name, where, kind: kind ?? "other", docs, parameters: [], returns: false, throws: false };
  }
  const parameters = callable.parameters.map(({ name }) => (isIdentifier(name) ? name.text : undefined));
  const returned = callable.type?.getText();
  return {
    entry,
    name,
    where,
    kind: kind ?? "function",
    docs,
    parameters: parameters.filter((parameter) => parameter !== "this"),
    returns: kind !== "constructor" && !/^(void|never|Promise<void>|asserts .*)$/.test(returned ?? "unknown"),
    throws: isMethodSignatureDeclaration(node) ? undefined : await throwing.of(node),
  };
}

/** The function of a declaration: the declaration itself, or the value of a constant. */
function callableOf(
  node: Node,
): { readonly parameters: readonly ParameterDeclaration[]; readonly type?: Node | undefined } | undefined {
  if (isVariableDeclaration(node)) {
    const { initializer } = node;
    if (initializer === undefined) return undefined;
    return isArrowFunction(initializer) || isFunctionExpression(initializer) ? initializer : undefined;
  }
  const called =
    isFunctionDeclaration(node) ||
    isMethodDeclaration(node) ||
    isMethodSignatureDeclaration(node) ||
    isConstructorDeclaration(node);
  return called ? node : undefined;
}

/** Removes the implementation of each overloaded function, since only its signatures can be called. */
function withoutImplementations(declarations: readonly Node[]): Node[] {
  const named = Map.groupBy(declarations, (node) => memberName(node));
  return declarations.filter((node) => {
    const others = named.get(memberName(node))!;
    return !("body" in node && node.body) || !others.some((other) => "body" in other && !other.body);
  });
}

function memberName(member: Node): string {
  const { name } = member as { name?: Node };
  return name?.getText() ?? "constructor";
}

/** Whether a class member is private, nameless (a static block), or documented in the base class. */
function isHidden(member: Node): boolean {
  const { name, modifiers } = member as { name?: Node; modifiers?: readonly Node[] };
  if (name === undefined && !isConstructorDeclaration(member)) return true;
  const hiding = [SyntaxKind.PrivateKeyword, SyntaxKind.ProtectedKeyword, SyntaxKind.OverrideKeyword];
  return (name !== undefined && isPrivateIdentifier(name)) || !!modifiers?.some(({ kind }) => hiding.includes(kind));
}

/** The problems of the documentation of one export or member. */
export function problems({ docs, kind, parameters, returns, throws }: Documented): string[] {
  const list: string[] = [];
  if (kind !== "constructor" && !docs?.summary) list.push("no description");
  const named = tagged(docs, "param").map((text) => /^\[?(\w+)/.exec(text)?.[1] ?? "");
  const plain = parameters.filter((name) => name !== undefined);
  for (const name of plain) if (!named.includes(name)) list.push(`no @param ${name}`);
  const strange = named.filter((name) => !plain.includes(name));
  const nameless = parameters.length - plain.length;
  if (strange.length < nameless) list.push("no @param for a destructured parameter");
  if (nameless === 0) for (const name of strange) list.push(`@param ${name} is not a parameter`);
  if (returns && tagged(docs, "returns").length === 0) list.push("no @returns");
  const documented = tagged(docs, "throws").length > 0 || /\bnever (throws|rejects)\b/i.test(docs?.summary ?? "");
  if (throws !== false && !documented)
    list.push(throws ? "no @throws" : 'neither a @throws nor the words "Never throws"');
  const examples = tagged(docs, "example");
  if ((kind === "function" || kind === "class") && examples.length === 0) list.push("no @example");
  for (const code of examples.map(exampleCode)) {
    if (code === undefined) list.push("an @example that is not one block of ```ts");
    else if (!STATED.test(code))
      list.push("an @example without a result: `expression; // => value`, or `// throws Error`");
  }
  return list;
}
