/**
 * The codec and XDR suites in a browser. The page starts to measure when it is opened. `?only=codec` or `?only=xdr`
 * runs one suite; `?quick` is a smoke test, which measures nothing.
 */
import { BASE, type Row } from "../contest.ts";
import { FULL, QUICK } from "../measure.ts";
import type { Outcome } from "../outcome.ts";
import { PORTABLE, type Portable, runPortable } from "../portable.ts";
import { ratioOf } from "../table.ts";

/** The part of the DOM that this page uses. TypeScript's own DOM types would clash with Bun's in all other files. */
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
/** Defined by chromium.ts when it drives the page. */
declare const report: ((rows: readonly Row[]) => void) | undefined;

/** From the most to the least specific: most browsers also claim to be another one. */
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

function cellOf(row: Row | undefined, rows: readonly Row[], quick: boolean): string {
  if (row === undefined) return "<td></td>";
  if (quick) return "<td>ok</td>";
  if (row.who === BASE[row.suite].who) return `<td class="base">${row.ns.toFixed(1)}</td>`;
  const ratio = ratioOf(row, rows);
  return `<td${ratio < 1 ? ' class="slower"' : ""}>${row.ns.toFixed(1)} <small>${ratio.toFixed(2)}×</small></td>`;
}

function tableOf(suite: Portable, rows: readonly Row[], quick: boolean): string {
  const whos = [...new Set(rows.map(({ who }) => who))];
  const lines = [...new Set(rows.map(({ what }) => what))].map((what) => {
    const cells = whos.map((who) =>
      cellOf(
        rows.find((row) => row.what === what && row.who === who),
        rows,
        quick,
      ),
    );
    return `<tr><th scope="row">${what}</th>${cells.join("")}</tr>`;
  });
  const heads = whos.map((who) => `<th scope="col">${who}</th>`);
  return `<h2>${suite === "codec" ? "Codec" : "XDR"} <small>${quick ? BASE[suite].agreement : `nanoseconds per ${BASE[suite].unit}`}</small></h2>
    <div class="scroll"><table>
      <thead><tr><th></th>${heads.join("")}</tr></thead>
      <tbody>${lines.join("")}</tbody>
    </table></div>`;
}

function show(rows: readonly Row[], quick: boolean): void {
  const tables = PORTABLE.map((suite) => [suite, rows.filter((row) => row.suite === suite)] as const);
  document.getElementById("tables").innerHTML = tables
    .filter(([, rows]) => rows.length > 0)
    .map(([suite, rows]) => tableOf(suite, rows, quick))
    .join("");
}

async function run(): Promise<Outcome> {
  const flags = new URLSearchParams(location.search);
  const runtime = browser();
  const processors = navigator.hardwareConcurrency;
  const quick = flags.has("quick");
  const note = quick ? "; smoke test, nothing is measured" : "";
  const clock = crossOriginIsolated
    ? ""
    : "; this page's clock is coarse: open it through bun run bench:page for a fine one";
  document.getElementById("where").textContent = `${runtime}, ${processors} processors${note}${clock}`;
  const doing = document.getElementById("doing");
  const progress = document.getElementById("progress");
  // Lets the browser draw the page: the checks that follow block it for a moment.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const only = flags.get("only");
  const rows: Row[] = [];
  await runPortable(
    PORTABLE.filter((suite) => only === null || suite === only),
    quick ? QUICK : FULL,
    (found, done) => {
      rows.push(...found);
      show(rows, quick);
      if (typeof report === "function") report(found);
      progress.value = done;
      doing.textContent = `${Math.floor(100 * done)} % done`;
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
// chromium.ts awaits it.
Object.assign(globalThis, { bench });
