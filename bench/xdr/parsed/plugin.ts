/**
 * Makes Bun and its bundler compile `.x` files: `import("compiled-xdr:counters.x")` is the module that `whereabouts xdr`
 * writes for that file of the examples. Import this file before the first such import is reached.
 */
import { type BunPlugin, plugin } from "bun";
import { compile } from "../../../src/xdr/compiler/index.ts";
import { EXAMPLES, parseExample } from "./schemas.ts";

const SCHEME = "compiled-xdr";

function compiled(path: string) {
  return { contents: compile(parseExample(path), { strings: "bytes" }), loader: "ts" } as const;
}

/** For `Bun.build`. */
export const bundled: BunPlugin = {
  name: "compiled XDR",
  setup(build) {
    build.onResolve({ filter: /^compiled-xdr:/ }, ({ path }) => ({
      path: path.slice(SCHEME.length + 1),
      namespace: SCHEME,
    }));
    build.onLoad({ filter: /\.x$/, namespace: SCHEME }, ({ path }) => compiled(path));
  },
};

plugin({
  name: bundled.name,
  setup(build) {
    for (const path of EXAMPLES) build.module(`${SCHEME}:${path}`, () => compiled(path));
  },
});
