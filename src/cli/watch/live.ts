/** A live table on a terminal. */
import { errorText } from "../errors.ts";
import { Screen, type Size } from "../terminal/screen.ts";
import { styleFor } from "../terminal/style.ts";
import { type Highlight, renderTable, type View } from "../terminal/table.ts";
import type { Watched } from "./watched.ts";

/** How long a change is highlighted in the table. */
const HIGHLIGHT_MS = 5_000;
/** The least time between two redraws: on a busy LAN, more would be unreadable. */
const REDRAW_MS = 100;

/** Runs until `stop` resolves, or the terminal is gone. The last table stays on the terminal. */
export async function showTable(watched: Watched, stop: Promise<unknown>): Promise<void> {
  const style = styleFor(process.stdout);
  const highlights = new Map<string, Highlight>();
  let error: View["error"];
  const render = (size: Size) =>
    renderTable(watched.rows(), watched.kind, { ...size, now: Date.now(), style, highlights, error });
  const screen = new Screen(render);

  let redraw: NodeJS.Timeout | undefined;
  const changed = () => {
    redraw ??= setTimeout(() => {
      redraw = undefined;
      screen.draw();
    }, REDRAW_MS);
  };
  watched.onChange((type, key) => {
    if (type === "gone") highlights.delete(key);
    else highlights.set(key, { type, until: Date.now() + HIGHLIGHT_MS });
    changed();
  });
  watched.onError((cause) => {
    error = { message: errorText(cause), at: Date.now() };
    changed();
  });
  const timer = setInterval(() => screen.draw(), 1000);
  screen.open();
  await Promise.race([stop, screen.gone]);
  clearInterval(timer);
  clearTimeout(redraw);
  await screen.close();
}
