/** A line for each change. */
import { errorText } from "../errors.ts";
import { Lines, printError } from "../terminal/output.ts";
import { type Style, styleFor } from "../terminal/style.ts";
import { timeStamp } from "../terminal/time.ts";
import type { ChangeType, Watched } from "./watched.ts";

/** Runs until `stop` resolves, or nobody reads the output any more. */
export async function printChanges(watched: Watched, json: boolean, stop: Promise<unknown>): Promise<void> {
  watched.onError((error) => printError(`whereabouts: error: ${errorText(error)}`));
  const lines = new Lines();
  const print = async () => {
    for await (const line of watched.lines(json, styleFor(process.stdout))) await lines.add(line);
  };
  await Promise.race([stop, lines.gone, lines.failed, print()]);
  await lines.flush();
}

export interface Change {
  readonly type: ChangeType;
  /** Unique, which the ID's text may not be. */
  readonly key: string;
  readonly id: string;
  /** The address, or all of them. */
  readonly where: string;
}

/** Formats changes as lines. For what has moved, the line has its previous address too. */
export class ChangeLines {
  readonly #style: Style;
  readonly #addresses = new Map<string, string>();

  constructor(style: Style) {
    this.#style = style;
  }

  /** @param now - in milliseconds since 1970 */
  line({ type, key, id, where }: Change, now: number): string {
    const { bold, dim, red, green, yellow } = this.#style;
    const before = this.#addresses.get(key);
    if (type === "gone") this.#addresses.delete(key);
    else this.#addresses.set(key, where);
    const sign = { new: green("+"), moved: yellow("~"), gone: red("-") }[type];
    const move = type === "moved" && before !== undefined ? `${before} -> ${where}` : where;
    return `${dim(timeStamp(now))}  ${sign}  ${bold(id)}  ${move}`;
  }
}
