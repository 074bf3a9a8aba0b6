/** Which functions can throw, as far as the compiler's view of `src` tells: by a `throw` of theirs, or of what they call. */
import { join } from "node:path";
import {
  isArrowFunction,
  isCallExpression,
  isClassDeclaration,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isIdentifier,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isNewExpression,
  isPropertyAccessExpression,
  isThrowStatement,
  isTryStatement,
  isVariableDeclaration,
  type Node,
} from "typescript/unstable/ast";
import { type Project, SymbolFlags } from "typescript/unstable/async";
import { parseDocs, tagged } from "./markdown.ts";

/** The compiler gives paths in lower case where the file system knows no difference. */
const SOURCES = join(import.meta.dir, "../../src/").toLowerCase();

export class Throwing {
  readonly #project: Project;
  readonly #known = new Map<string, Promise<boolean> | boolean>();

  constructor(project: Project) {
    this.#project = project;
  }

  /** Whether a declaration can throw. What is called through an interface does if its documentation says so. */
  async of(declaration: Node): Promise<boolean> {
    if (isMethodSignatureDeclaration(declaration)) {
      const docs = declaration.jsDoc?.at(-1)?.getText();
      return docs !== undefined && tagged(parseDocs(docs), "throws").length > 0;
    }
    const body = bodyOf(declaration);
    if (body === undefined) return false;
    const key = `${body.getSourceFile().fileName}:${body.pos}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // Meant for recursion: the answer that is being looked for is not found by asking for it.
    this.#known.set(key, false);
    const answer = await this.#search(body);
    this.#known.set(key, answer);
    return answer;
  }

  async #search(body: Node): Promise<boolean> {
    const { throws, callees } = scan(body);
    if (throws) return true;
    const { checker } = this.#project;
    for (const callee of await checker.getSymbolAtLocation(callees)) {
      const symbol = callee && callee.flags & SymbolFlags.Alias ? await checker.getAliasedSymbol(callee) : callee;
      for (const handle of symbol?.declarations ?? []) {
        if (!handle.path.toLowerCase().startsWith(SOURCES)) continue;
        const declaration = await handle.resolve(this.#project);
        if (declaration !== undefined && (await this.of(declaration))) return true;
      }
    }
    return false;
  }
}

function bodyOf(declaration: Node): Node | undefined {
  if (isVariableDeclaration(declaration)) return declaration.initializer && bodyOf(declaration.initializer);
  if (isClassDeclaration(declaration)) {
    const made = declaration.members.find(isConstructorDeclaration);
    return made && bodyOf(made);
  }
  if (
    isFunctionDeclaration(declaration) ||
    isFunctionExpression(declaration) ||
    isArrowFunction(declaration) ||
    isMethodDeclaration(declaration) ||
    isConstructorDeclaration(declaration)
  ) {
    return declaration.body;
  }
  return undefined;
}

/** What a body does when it runs: not what functions inside of it would do, nor what it catches. */
function scan(body: Node): { throws: boolean; callees: Node[] } {
  const callees: Node[] = [];
  let throws = false;
  const visit = (node: Node): void => {
    if (isArrowFunction(node) || isFunctionExpression(node) || isFunctionDeclaration(node)) return;
    if (isThrowStatement(node)) throws = true;
    if (isTryStatement(node) && node.catchClause !== undefined) {
      visit(node.catchClause.block);
      if (node.finallyBlock !== undefined) visit(node.finallyBlock);
      return;
    }
    if (isCallExpression(node) || isNewExpression(node)) {
      const { expression } = node;
      if (isIdentifier(expression)) callees.push(expression);
      if (isPropertyAccessExpression(expression)) callees.push(expression.name);
    }
    node.forEachChild(visit);
  };
  visit(body);
  return { throws, callees };
}
