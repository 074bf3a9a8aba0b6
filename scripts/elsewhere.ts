/** A module that needs Bun, as it is where there is no Bun. */
import { engines } from "../package.json";

const BUN = engines.bun.replace(/^>=(.+)$/, "$1 or later");

/**
 * The text of a module with the names of `module`: its constants are the same, and whatever would act throws an error
 * that says what is missing. So a program that only may need Bun can be loaded, bundled and tested without.
 *
 * @param name what the module is imported as
 * @param module its namespace
 */
export function elsewhere(name: string, module: object): string {
  const declarations = Object.entries(module).map(([key, value]) => `export ${declaration(key, value)}`);
  return `// ${name} where there is no Bun: the constants are here, and whatever would act throws.
function refuse(what) {
  throw new Error(
    "Bun" in globalThis
      ? \`${name}: \${what} needs the module that the export condition "bun" leads to: tell the bundler so\`
      : \`${name}: \${what} needs Bun ${BUN} (https://bun.sh); whereabouts/codec and whereabouts/xdr run anywhere\`,
  );
}
${declarations.join("\n")}
`;
}

function declaration(name: string, value: unknown): string {
  if (typeof value !== "function") return `const ${name} = ${constant(name, value)};`;
  if (!Function.prototype.toString.call(value).startsWith("class")) return method("function ", name, name, value);
  // The refusal comes before super(), which is never missed.
  const members = [`constructor() { refuse("new ${name}"); }`];
  for (const [key, { value: member, enumerable }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    const called = `${name}.${key}`;
    if (typeof member === "function") members.push(`static ${method("", key, called, member)}`);
    else if (enumerable) members.push(`static ${key} = ${constant(called, member)};`);
  }
  const base = value.prototype instanceof Error ? " extends Error" : "";
  return `class ${name}${base} {\n  ${members.join("\n  ")}\n}`;
}

/** What is asynchronous there is so here: its error comes where one is waited for. */
function method(keyword: string, name: string, called: string, value: object): string {
  const async = value.constructor.name === "AsyncFunction" ? "async " : "";
  return `${async}${keyword}${name}() { refuse("${called}"); }`;
}

function constant(called: string, value: unknown): string {
  const json = JSON.stringify(value);
  if (json === undefined || !Bun.deepEquals(JSON.parse(json), value, true)) {
    throw new TypeError(`${called} is ${Bun.inspect(value)}, which has no text to build a module of`);
  }
  return json;
}
