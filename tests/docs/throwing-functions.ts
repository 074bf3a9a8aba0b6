/**
 * Finds which functions of `src` can throw: by a `throw` of their own, or by calling another such function of `src`.
 */
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

/** In lower case, since the compiler returns such paths if the file system is case-insensitive. */
const SOURCES = join(import.meta.dir, "../../src/").toLowerCase();

export class Throwing {
  readonly #project: Project;
  readonly #known = new Map<string, Promise<boolean> | boolean>();

  constructor(project: Project) {
    this.#project = project;
  }

  /** Whether a declaration can throw. A method of an interface can if its documentation has `@throws`. */
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
    // A recursive call must not search again, and does not add a reason to throw.
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
    const definition = declaration.members.find(isConstructorDeclaration);
    return definition && bodyOf(definition);
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

/** Finds the throws and calls of a body, without nested functions and without what it catches. */
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
