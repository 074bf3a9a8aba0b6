import type { Lines } from "../../ops.ts";

const WIDTH = 120;

/** Lines of source as text. Long lines are broken where there is a list of alternatives or of properties. */
export function layOut(lines: Lines, indent = ""): string {
  return joined(lines, WIDTH - indent.length)
    .map((line) => (typeof line === "string" ? broken(line, indent) : layOut(line, `${indent}  `)))
    .filter((text) => text !== "")
    .join("\n");
}

/** Puts conditions that have lines of their own in one line if they fit. */
function joined(lines: Lines, width: number): Lines {
  const result: Lines = [];
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? "";
    const [inner, last] = lines.slice(i + 1, i + 3);
    const whole = `${line}${inner}${last}`;
    const isCondition = typeof line === "string" && line.endsWith("(") && Array.isArray(inner);
    if (isCondition && whole.length <= width) i += 2;
    result.push(isCondition && whole.length <= width ? whole : line);
  }
  return result;
}

function broken(line: string, indent: string): string {
  const whole = indentLines(line, indent);
  if (whole.length <= WIDTH || line.includes("\n")) return whole;
  const object = /^(return \{) (.*) (\};)$/.exec(line);
  if (object !== null) {
    const [, start, properties = "", end] = object;
    return [
      `${indent}${start}`,
      ...properties.split(", ").map((each) => `${indent}  ${each},`),
      `${indent}${end}`,
    ].join("\n");
  }
  return line.includes(" || ") ? fill(line.split(" || "), " ||", indent).join("\n") : whole;
}

/** Puts as many parts in a line as fit. `separator` goes between them, at the ends of lines too. */
function fill(parts: readonly string[], separator: string, indent: string): string[] {
  const lines: string[] = [];
  for (const [i, part] of parts.entries()) {
    const text = i < parts.length - 1 ? part + separator : part;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + text.length <= WIDTH) lines[lines.length - 1] = `${last} ${text}`;
    else lines.push(indent + text);
  }
  return lines;
}

/** A declaration of a union of types: one behind the other, or if they are too long, each in a line of its own. */
export function unionType(name: string, types: readonly string[]): string {
  const line = `export type ${name} = ${types.join(" | ")};`;
  if (line.length <= WIDTH && !line.includes("\n")) return line;
  return `export type ${name} =\n${types.map((type) => indentLines(alternative(type), "  ")).join("\n")};`;
}

/** A declaration of a union of numbers. */
export function numbersType(name: string, numbers: readonly number[]): string {
  const line = `export type ${name} = ${numbers.join(" | ")};`;
  if (line.length <= WIDTH) return line;
  return `export type ${name} =\n${fill(numbers.map(String), " |", "  ").join("\n")};`;
}

/** A declaration with a call of these arguments. */
export function call(start: string, values: readonly string[]): string {
  const line = `${start}(${values.join(", ")});`;
  if (line.length <= WIDTH && !line.includes("\n")) return line;
  return `${start}(\n${values.map((value) => `${indentLines(value, "  ")},`).join("\n")}\n);`;
}

/** A type of a union. Its comment goes before the `|`. */
function alternative(type: string): string {
  const comment = /^(?:\/\*\*.*?\*\/\n)?/s.exec(type)?.[0] ?? "";
  return `${comment}| ${type.slice(comment.length).replaceAll("\n", "\n  ")}`;
}

export function indentLines(text: string, indent: string): string {
  return text.replace(/^(?=.)/gm, indent);
}

/** A docstring, with a line feed behind it, or nothing. */
export function docstring(docs: string | undefined): string {
  if (docs === undefined || docs === "") return "";
  const lines = docs.replaceAll("*/", "*\\/").split("\n");
  if (lines.length === 1) return `/** ${lines[0]} */\n`;
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join("\n")}\n */\n`;
}
