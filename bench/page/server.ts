/** Serves the bench page on 127.0.0.1. */
import { basename, join } from "node:path";
import { bundled } from "../xdr/parsed/plugin.ts";

/** A browser gives a fine clock only to a page that is isolated from other origins. */
export const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cache-Control": "no-store",
};

/** @param port 0: any free port */
export async function servePage(port: number): Promise<Bun.Server<undefined>> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "index.html")],
    target: "browser",
    plugins: [bundled],
  });
  const files = new Map(outputs.map((output) => [`/${basename(output.path)}`, output]));
  files.set("/", files.get("/index.html")!);
  return Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch(request) {
      const file = files.get(new URL(request.url).pathname);
      return new Response(file ?? "not found", { status: file ? 200 : 404, headers: ISOLATED });
    },
  });
}
