/** The rows of a table of outcomes: how many of each there are a second, and in all. */
import { make, type Row, Rows, setText } from "./dom.ts";
import { count, rate } from "./format.ts";

export interface Outcome {
  readonly name: string;
  /** What it means, in words. */
  readonly meaning: string;
  /** Name of its colour, as in chart.css. */
  readonly color: string;
  readonly total: number;
  /** Per second; undefined if it is not known yet. */
  readonly rate: number | undefined;
}

export function outcomeRows(body: HTMLElement): Rows<Outcome> {
  return new Rows<Outcome>(body, () => {
    const swatch = make("i");
    const name = make("b");
    const meaning = make("span", "meaning");
    const [perSecond, total] = [make("td", "number"), make("td", "number")];
    const head = make("th", "", swatch, name, " ", meaning);
    head.setAttribute("scope", "row");
    return {
      element: make("tr", "", head, perSecond, total),
      show(outcome) {
        swatch.className = `swatch ${outcome.color}`;
        setText(name, outcome.name);
        setText(meaning, outcome.meaning);
        setText(perSecond, outcome.rate === undefined ? "–" : rate(outcome.rate));
        setText(total, count(outcome.total));
      },
    } satisfies Row<Outcome>;
  });
}
