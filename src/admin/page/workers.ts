/** The load of each worker. */
import type { StatsReply } from "../api.ts";
import { byId, make, type Row, Rows, setText } from "./dom.ts";
import { count, counted, percent, rate, seconds } from "./format.ts";
import type { Rates, WorkerRates } from "./rates.ts";

type WorkerStats = StatsReply["perWorker"][number];

/** A worker has several heartbeats a second. */
const SILENT_S = 2;

interface Item {
  readonly worker: WorkerStats;
  readonly rates: WorkerRates | undefined;
  /** Width of the bar, from 0 to 1: the share of a processor, or of the busiest worker's packets where that is unknown. */
  readonly share: number;
}

const rows = new Rows<Item>(byId("workers"), () => {
  const [number, state] = [make("b"), make("span", "state")];
  const title = make("span", "", make("span", "hidden", "Worker "), number);
  const received = make("b");
  const fill = make("i");
  const bar = make("span", "bar", fill);
  bar.setAttribute("aria-hidden", "true");
  const [processor, replaced] = [make("span"), make("span")];
  const element = make(
    "li",
    "",
    make("span", "top", title, " ", state),
    make("span", "", received, " packets/s"),
    bar,
    processor,
    replaced,
  );
  return {
    element,
    show({ worker, rates, share }) {
      setText(number, `${worker.number}`);
      const silent = worker.silence >= SILENT_S;
      element.dataset.state = worker.running ? (silent ? "silent" : "running") : "stopped";
      setText(state, worker.running ? (silent ? `silent ${seconds(worker.silence)}` : "running") : "not running");
      setText(received, rates === undefined ? "–" : rate(rates.received));
      fill.style.width = `${Math.round(share * 1000) / 10}%`;
      setText(
        processor,
        rates === undefined || rates.processor === null ? "" : `processor ${percent(rates.processor)}`,
      );
      setText(replaced, worker.replaced === 0 ? "never replaced" : `replaced ${times(worker.replaced)}`);
    },
  } satisfies Row<Item>;
});

function times(n: number): string {
  return n === 1 ? "once" : `${count(n)} times`;
}

export function showWorkers(stats: StatsReply, rates: Rates | undefined): void {
  const most = Math.max(1, ...(rates?.workers.map(({ received }) => received) ?? []));
  rows.show(
    stats.perWorker.map((worker, i) => {
      const own = rates?.workers[i];
      return { worker, rates: own, share: Math.min(1, own?.processor ?? (own?.received ?? 0) / most) };
    }),
  );
  const replaced = stats.replaced === 0 ? "none was replaced" : `${counted(stats.replaced, "replacement")}`;
  setText(byId("workers-count"), `${count(stats.workers)} of ${count(stats.perWorker.length)} running, ${replaced}`);
}
