/**
 * Node's built-in modules, as Bun, Node and Electron have them. They are loaded on use and not imported, so that the client's
 * module can be loaded and bundled for any environment, a browser too, where only its use fails.
 */

/** @throws {Error} if this is not Bun or Node */
export function builtin<T>(name: string): T {
  const module = globalThis.process?.getBuiltinModule?.(name);
  if (module === undefined) throw new Error("whereabouts/client needs Bun, or Node 20.16 or later");
  return module as T;
}

/** @throws {Error} if this is not Bun or Node, which have UDP sockets */
export function requireRuntime(): void {
  builtin("node:dgram");
}
