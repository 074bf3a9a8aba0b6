/**
 * The codec and XDR in a browser: the page measures by itself when it is opened. `?only=codec` or `xdr` chooses, `?quick`
 * only shows that all of it works.
 */
import { BASE, type Row } from "../contest.ts";
import { FULL, QUICK } from "../measure.ts";
import type { Outcome } from "../outcome.ts";
import { PORTABLE, type Portable, runPortable } from "../portable.ts";
import { ratioOf } from "../table.ts";

/** What the page needs of the DOM: TypeScript's own types of it would stand in the way of Bun's in all other files. */
interface Page {
  getElementById(id: string): {
    textContent: string;
    innerHTML: string;
    className: string;
    hidden: boolean;
    value: number;
  };
}
declare const document: Page;
declare const location: { readonly search: string };
declare const crossOriginIsolated: boolean;
/** Of who drives the page, if anybody does. */
declare const report: ((rows: readonly Row[]) => void) | undefined;

/** From the most to the least particular: most browsers claim to be several. */
const BROWSERS = [
  ["Firefox", /Firefox\/([\d.]+)/],
  ["Edge", /Edg\/(\d+)/],
  ["Chromium", /Chrom(?:e|ium)\/(\d+)/],
  ["Safari", /Version\/([\d.]+).*Safari/],
] as const;

function browser(): string {
  for (const [name, pattern] of BROWSERS) {
    const version = pattern.exec(navigator.userAgent)?.[1];
    if (version !== undefined) return `${name} ${version}`;
  }
  return navigator.userAgent;
}

function cellOf(row: Row | undefined, rows: readonly Row[]): string {
  if (row === undefined) return "<td></td>";
  if (row.who === BASE[row.suite].who) return `<td class="base">${row.ns.toFixed(1)}</td>`;
  const ratio = ratioOf(row, rows);
  return `<td${ratio < 1 ? ' class="slower"' : ""}>${row.ns.toFixed(1)} <small>${ratio.toFixed(2)}×</small></td>`;
}

function tableOf(suite: Portable, rows: readonly Row[]): string {
  const whos = [...new Set(rows.map(({ who }) => who))];
  const lines = [...new Set(rows.map(({ what }) => what))].map((what) => {
    const cells = whos.map((who) =>
      cellOf(
        rows.find((row) => row.what === what && row.who === who),
        rows,
      ),
    );
    return `<tr><th scope="row">${what}</th>${cells.join("")}</tr>`;
  });
  const heads = whos.map((who) => `<th scope="col">${who}</th>`);
  return `<h2>${suite === "codec" ? "Codec" : "XDR"} <small>nanoseconds a ${BASE[suite].unit}</small></h2>
    <div class="scroll"><table>
      <thead><tr><th></th>${heads.join("")}</tr></thead>
      <tbody>${lines.join("")}</tbody>
    </table></div>`;
}

function show(rows: readonly Row[]): void {
  const tables = PORTABLE.map((suite) => [suite, rows.filter((row) => row.suite === suite)] as const);
  document.getElementById("tables").innerHTML = tables
    .filter(([, rows]) => rows.length > 0)
    .map(([suite, rows]) => tableOf(suite, rows))
    .join("");
}

async function run(): Promise<Outcome> {
  const flags = new URLSearchParams(location.search);
  const runtime = browser();
  const processors = navigator.hardwareConcurrency;
  const quick = flags.has("quick");
  const note = quick ? "; a quick run, whose figures say little" : "";
  const clock = crossOriginIsolated
    ? ""
    : "; the clock is coarse here, as it is not where bun run bench:page serves this";
  document.getElementById("where").textContent = `${runtime}, ${processors} processors${note}${clock}`;
  const doing = document.getElementById("doing");
  const progress = document.getElementById("progress");
  // The page is to be drawn first: the check takes a moment.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const only = flags.get("only");
  const rows: Row[] = [];
  await runPortable(
    PORTABLE.filter((suite) => only === null || suite === only),
    quick ? QUICK : FULL,
    (found, done, all) => {
      rows.push(...found);
      show(rows);
      if (typeof report === "function") report(found);
      progress.value = done / all;
      doing.textContent = `${done} of ${all} measured`;
    },
  );
  document.getElementById("state").hidden = true;
  return { runtime, processors, quick, rows };
}

const bench = run();
bench.catch((error: Error) => {
  document.getElementById("state").className = "failed";
  document.getElementById("doing").textContent = error.message;
});
// To be waited for.
Object.assign(globalThis, { bench });
