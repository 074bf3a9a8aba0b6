/** Stubs for Node and browsers of modules that need Bun. */
import { engines } from "../package.json";

const BUN = engines.bun.replace(/^>=(.+)$/, "$1 or later");

/**
 * Generates the source of a module with the same exports as `module`. Its constants have the same values; its
 * functions, methods and constructors throw an error that says that Bun is missing. So a program that imports the
 * module can be loaded, bundled and tested without Bun.
 *
 * @param name the name by which users import the module
 * @param module its namespace
 * @throws {TypeError} if a constant is not plain JSON
 */
export function stubModule(name: string, module: object): string {
  const declarations = Object.entries(module).map(([key, value]) => `export ${declaration(key, value)}`);
  return `// ${name} for Node and browsers: the constants are the same, and everything else throws, since it needs Bun.
function refuse(what) {
  throw new Error(
    "Bun" in globalThis
      ? \`${name}: \${what} needs the module of the export condition "bun": set that condition in the bundler\`
      : \`${name}: \${what} needs Bun ${BUN} (https://bun.sh); only ${name} needs it\`,
  );
}
${declarations.join("\n")}
`;
}

function declaration(name: string, value: unknown): string {
  if (typeof value !== "function") return `const ${name} = ${constant(name, value)};`;
  if (!Function.prototype.toString.call(value).startsWith("class")) return method("function ", name, name, value);
  // A subclass need not call super(), since its constructor throws first.
  const members = [`constructor() { refuse("new ${name}"); }`];
  for (const [key, { value: member, enumerable }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    const called = `${name}.${key}`;
    if (typeof member === "function") members.push(`static ${method("", key, called, member)}`);
    else if (enumerable) members.push(`static ${key} = ${constant(called, member)};`);
  }
  const base = value.prototype instanceof Error ? " extends Error" : "";
  return `class ${name}${base} {\n  ${members.join("\n  ")}\n}`;
}

/** The stub of an async function is async too: its caller gets a rejected promise, not an exception. */
function method(keyword: string, name: string, called: string, value: object): string {
  const async = value.constructor.name === "AsyncFunction" ? "async " : "";
  return `${async}${keyword}${name}() { refuse("${called}"); }`;
}

function constant(called: string, value: unknown): string {
  const json = JSON.stringify(value);
  if (json === undefined || !Bun.deepEquals(JSON.parse(json), value, true)) {
    throw new TypeError(`${called} is ${Bun.inspect(value)}, which is not plain JSON`);
  }
  return json;
}
