import { XDR_RUNTIME } from "../../../../build/xdr-runtime.ts";

/** What programs need in addition to their own types. */
const EXPORTED = new Set([
  "DecodeOptions",
  "DecodeResult",
  "ValidateResult",
  "XdrCodec",
  "XdrError",
  "XdrErrorCode",
  "XdrOptions",
]);

/** The source of the functions of runtime/ with these names, and of all that they use. */
export function runtimeSource(used: ReadonlySet<string>): string {
  const needed = new Set(used);
  const declarations = new Map(XDR_RUNTIME.map((declaration) => [declaration.name, declaration]));
  // The set grows meanwhile.
  for (const name of needed) for (const other of declarations.get(name)?.uses ?? []) needed.add(other);
  return XDR_RUNTIME.filter(({ name }) => needed.has(name))
    .map(({ name, text }) => (EXPORTED.has(name) ? exported(text, name) : text))
    .join("\n\n");
}

function exported(text: string, name: string): string {
  return text.replace(new RegExp(`^(?=(?:class|interface|type|function) ${name}\\b)`, "m"), "export ");
}
