/**
 * The functions of src/xdr/runtime/ as text, each on its own, for the XDR compiler: it adds those to a file that the code
 * in it needs.
 */

interface Declaration {
  readonly name: string;
  /** The source, without `export`. */
  readonly text: string;
  /** The names of the other declarations that it refers to. */
  readonly uses: readonly string[];
}

const START = /^(?:export )?(?:abstract )?(function|class|interface|type|const|let) (\w+)/;

/** Splits files into their declarations. Their names must differ, since they end up in one file. */
export function declarationsOf(files: readonly (readonly [path: string, source: string])[]): Declaration[] {
  const declarations = files.flatMap(([path, source]) => split(path, source));
  const names = new Set(declarations.map(({ name }) => name));
  if (names.size < declarations.length) {
    const twice = declarations.find(({ name }, i) => declarations.findIndex((other) => other.name === name) < i);
    throw new Error(`src/xdr/runtime declares ${twice?.name} twice`);
  }
  return declarations.map(({ name, text }) => {
    const uses = [...names].filter((other) => other !== name && referencesOf(text).has(other));
    return { name, text, uses };
  });
}

function split(path: string, source: string): Omit<Declaration, "uses">[] {
  const declarations: Omit<Declaration, "uses">[] = [];
  let comment: string[] = [];
  let current: { kind: string; name: string; lines: string[] } | undefined;
  let depth = 0;
  for (const line of withoutImports(source).split("\n")) {
    const start = START.exec(line);
    if (current === undefined && start !== null) {
      current = { kind: start[1]!, name: start[2]!, lines: [...comment, line.replace(/^export /, "")] };
      comment = [];
    } else if (current === undefined) {
      if (!/^(\/\/|\/\*\*| \*|$)/.test(line)) throw new Error(`${path}: not a declaration: ${line}`);
      // A comment above an empty line belongs to no declaration.
      comment = line === "" ? [] : [...comment, line];
      continue;
    } else {
      current.lines.push(line);
    }
    const code = withoutText(line);
    depth += (code.match(/[([{]/g)?.length ?? 0) - (code.match(/[)\]}]/g)?.length ?? 0);
    const last = ["function", "class", "interface"].includes(current.kind) ? /\}$/ : /;$/;
    if (depth > 0 || !last.test(line)) continue;
    declarations.push({ name: current.name, text: withoutExamples(current.lines.join("\n")) });
    current = undefined;
  }
  if (current !== undefined) throw new Error(`${path}: the end of ${current.name} was not found`);
  return declarations;
}

function withoutImports(source: string): string {
  return source.replace(/^import [^;]*;\n/gm, "");
}

/** Docstrings as they make sense in another file: without examples and links. */
function withoutExamples(text: string): string {
  return text
    .replace(/(?:\n *\*)?\n *\* @example\n(?: *\* .*\n| *\*\n)*?(?= *\*\/)/g, "\n")
    .replace(/\{@link (\S+?)\}/g, "$1");
}

/** A line without its comment and its strings. The expressions in templates stay. */
function withoutText(line: string): string {
  if (/^\s*\/?\*/.test(line)) return "";
  return line.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\/\/ .*$/, "");
}

/** The names that a declaration may refer to: not those of properties. */
function referencesOf(text: string): Set<string> {
  const code = text
    .split("\n")
    .map(withoutText)
    .join("\n")
    .replace(/\/\*.*?\*\//gs, "");
  return new Set([...code.matchAll(/(?<![\w$.#])(?:\.\.\.)?([A-Za-z_]\w*)(?!\w|\??:)/g)].map((match) => match[1]!));
}
