/** The state of a server as text: for the live screen, and for one look at it. */
import stringWidth from "string-width";
import type { LimitedKey, StatsReply } from "../../admin/api.ts";
import { interfaceText } from "../../admin/transport-text.ts";
import { count } from "../../log/count.ts";
import { fit } from "../terminal/columns.ts";
import { type Style, visible } from "../terminal/style.ts";
import { timeStamp } from "../terminal/time.ts";
import type { State } from "./admin-client.ts";

export interface View {
  /** The most characters per line, and the most lines. */
  readonly columns: number;
  readonly rows: number;
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly style: Style;
  /** The server, as the user named it. */
  readonly where: string;
  /** Its latest state; undefined if it never answered. */
  readonly state: State | undefined;
  /** An earlier state of the same run, from which on rates are counted. */
  readonly before: State | undefined;
  /** Why it cannot be reached now, and since when. */
  readonly error?: { readonly message: string; readonly since: number } | undefined;
  /** When it was seen to have restarted. */
  readonly restartedAt?: number | undefined;
}

/** How long the screen says that the server restarted. */
const RESTART_SHOWN_MS = 60_000;

const LABEL = "listening  ".length;
const NOTHING: readonly string[] = [];
/** Lines of the list of limited keys that are shown in any case: title, column heads and three keys. */
const LEAST_LIMITED = 5;

/** The lines, cut to the size. If not all fit, the list of limited keys is shortened first. */
export function renderStatus(view: View): string[] {
  const { columns, rows, state, before } = view;
  const { bold } = view.style;
  const stats = state?.stats;
  const top = [...titleLines(view), ...problemLines(view)];
  if (state === undefined || stats === undefined) return top.slice(0, rows);
  const rate = rates(state, before);
  const facts = factLines(stats, rate, view);
  const counters = ["", ...counterLines(stats, rate, view)];
  const room = Math.max(LEAST_LIMITED, rows - top.length - facts.length - counters.length - 2);
  const limited = limitedLines(state.limited, room, view);
  const workers = workerLines(stats, rate, view);
  const list = limited.length === 0 ? NOTHING : ["", bold(cut("Limited now", columns)), ...limited];
  return fitRows([...top, ...facts, ...list, ...counters, "", ...workers], view);
}

/** Cuts lines that do not fit, and says so. */
function fitRows(lines: readonly string[], { rows, columns }: View): string[] {
  if (lines.length <= rows) return [...lines];
  return [...lines.slice(0, rows - 1), cut(`… ${lines.length - rows + 1} more lines: enlarge the window`, columns)];
}

/** One line without columns, for a log. */
export function statusLine({ where, state, before, error, now }: Omit<View, "columns" | "rows" | "style">): string {
  const time = timeStamp(now);
  if (error !== undefined || state === undefined) return `${time}  ${where} is not reachable: ${error?.message}`;
  const { stats, readiness } = state;
  const ready = readiness.ready ? "ready" : `not ready (${failures(state).join("; ")})`;
  if (stats === undefined) return `${time}  ${ready}`;
  const rate = rates(state, before);
  const parts = [
    ready,
    `${perSecond(rate((s) => s.received))} packets/s`,
    `${perSecond(rate((s) => s.verdicts.answered))} answered/s`,
    `${stats.nodes} of ${stats.capacity} nodes`,
    ...(hasSyncthing(stats)
      ? [`${stats.https.devices} of ${stats.https.capacity} devices`, `${perSecond(rate(requests()))} requests/s`]
      : []),
    `journal ${stats.journal.lag.toFixed(1)} s behind`,
    `${count(stats.workers, "worker")}`,
    `${stats.kernelDrops ?? "?"} dropped by the kernel`,
    `${state.limited.length} limited`,
    ...(stats.problems.length === 0 ? [] : [`problems: ${stats.problems.map(({ code }) => visible(code)).join(", ")}`]),
  ];
  return `${time}  ${parts.join("  ")}`;
}

function titleLines({ columns, style, state, where, error, now, restartedAt }: View): string[] {
  const { bold, green, red, yellow } = style;
  const lines: string[] = [];
  const add = (text: string, paint: (text: string) => string) =>
    lines.push(...wrap(text, columns, "  ").map((line) => paint(line)));
  const stats = state?.stats;
  const name = stats === undefined ? where : `whereabouts ${visible(stats.version)} at ${where}`;
  if (error !== undefined) {
    add(`${name} is not reachable for ${duration(now - error.since)}: ${error.message}`, (text) => bold(red(text)));
    add(stats === undefined ? "Tries again every second." : "Tries again every second. Its last figures:", yellow);
  } else if (state === undefined) {
    add(`asks ${where}`, bold);
  } else if (state.readiness.ready) {
    add(`${name} is ready${stats === undefined ? "" : `, up ${duration(stats.uptime * 1000)}`}`, (text) =>
      bold(green(text)),
    );
  } else {
    add(`${name} is not ready${stats === undefined ? "" : `, up ${duration(stats.uptime * 1000)}`}`, (text) =>
      bold(red(text)),
    );
    for (const failure of failures(state)) add(`! ${failure}`, red);
  }
  if (restartedAt !== undefined && now - restartedAt < RESTART_SHOWN_MS) {
    add(`The server was restarted ${duration(now - restartedAt)} ago.`, yellow);
  }
  return lines;
}

/** Why it is not ready: the checks that failed, in words, or why none was made. */
function failures({ readiness: { checks, reason } }: State): string[] {
  const failed = checks.filter(({ ok }) => !ok).map(({ name, text }) => visible(`${name}: ${text}`));
  return failed.length === 0 && reason !== null ? [visible(reason)] : failed;
}

function problemLines({ columns, style, state }: View): string[] {
  return (state?.stats?.problems ?? []).flatMap(({ severity, text }) =>
    wrap(`! ${visible(text)}`, columns, "  ").map(severity === "error" ? style.red : style.yellow),
  );
}

type Result = keyof StatsReply["https"]["requests"];
const LOOK_UPS: readonly Result[] = ["found", "not-found"];
const ANNOUNCEMENTS: readonly Result[] = ["new", "known"];

/** Whether the server answers Syncthing over HTTPS, or knows its devices from the journal. */
function hasSyncthing({ https }: StatsReply): boolean {
  return https.threads > 0 || https.devices > 0;
}

/** The sum of requests with these results, or of all that are no health checks. */
function requests(results?: readonly Result[]): (stats: StatsReply) => number {
  return ({ https }) =>
    Object.entries(https.requests).reduce(
      (sum, [result, n]) => ((results?.includes(result as Result) ?? result !== "ping") ? sum + n : sum),
      0,
    );
}

function syncthingFact({ https }: StatsReply, rate: Rate): string {
  const { devices, capacity, addresses, threads, connections } = https;
  const known = `${number(devices)} of ${number(capacity)} devices`;
  if (threads === 0) return `${known}, from the journal`;
  const [all, lookUps, announcements] = [requests(), requests(LOOK_UPS), requests(ANNOUNCEMENTS)];
  const others = rate((stats) => all(stats) - lookUps(stats) - announcements(stats));
  const per = `${perSecond(rate(lookUps))} look-ups, ${perSecond(rate(announcements))} announcements, ${perSecond(others)} refused`;
  return `${known}; a second ${per}; ${number(addresses)} addresses, ${count(connections, "connection")}`;
}

function interfaceFact(xdp: NonNullable<StatsReply["xdp"]>, rate: Rate): string {
  const per = (name: "received" | "sent") => perSecond(rate((stats) => stats.xdp?.[name] ?? 0));
  const damaged = xdp.damaged === 0 ? "" : `; ${number(xdp.damaged)} damaged`;
  return `${visible(interfaceText(xdp))}; a second ${per("received")} in, ${per("sent")} out${damaged}`;
}

function factLines(stats: StatsReply, rate: Rate, { columns, style }: View): string[] {
  const { nodes, capacity, journal, workers, replaced, listening, transport, xdp, receiveQueue } = stats;
  const residentMB = Math.round(stats.process.residentBytes / 1e6);
  const late = journal.where === "memory" ? "keeps nothing across restarts" : `${journal.lag.toFixed(1)} s behind`;
  const waits = receiveQueue === null ? "" : `, ${number(receiveQueue)} bytes wait for them`;
  const facts = {
    listening: `${listening.map(visible).join(", ")}, transport ${visible(transport)}`,
    // Servers of earlier versions do not tell it.
    ...(xdp ? { interface: interfaceFact(xdp, rate) } : {}),
    registry: `${number(nodes)} of ${number(capacity)} nodes (${((100 * nodes) / capacity).toFixed(1)} %)`,
    ...(hasSyncthing(stats) ? { syncthing: syncthingFact(stats, rate) } : {}),
    journal: `${visible(journal.where)}: ${late}${journal.errors === 0 ? "" : `, ${count(journal.errors, "error")}`}`,
    workers: `${workers} running${waits}${replaced === 0 ? "" : `; ${replaced} replaced`}`,
    process: `${number(residentMB)} MB, ${Math.round(stats.process.cpuSeconds)} s of processor time`,
  };
  return Object.entries(facts).map(
    ([label, text]) => style.dim(fit(label, Math.min(LABEL, columns))) + cut(text, Math.max(0, columns - LABEL)),
  );
}

/** Per second since the state before; undefined if there is none. */
type Rate = (value: (stats: StatsReply) => number) => number | undefined;

function rates(state: State, before: State | undefined): Rate {
  const [now, then] = [state.stats, before?.stats];
  if (now === undefined || then === undefined) return () => undefined;
  // By the server's clock: it may send the same figures twice.
  const seconds = now.uptime - then.uptime;
  return (value) => (seconds <= 0 ? undefined : Math.max(0, value(now) - value(then)) / seconds);
}

/** Packets by verdict, and what was lost: per second and in all. */
function counterLines(stats: StatsReply, rate: Rate, { columns, style }: View): string[] {
  const verdicts = Object.keys(stats.verdicts) as (keyof StatsReply["verdicts"])[];
  const rows: [string, (stats: StatsReply) => number][] = [
    ["packets", (s) => s.received],
    ...verdicts
      .filter((name) => stats.verdicts[name] > 0)
      .map((name): [string, (s: StatsReply) => number] => [`  ${visible(name)}`, (s) => s.verdicts[name]]),
  ];
  if (stats.unsent > 0) rows.push(["replies not sent", (s) => s.unsent]);
  if (stats.kernelDrops !== null) rows.push(["dropped by the kernel", (s) => s.kernelDrops ?? 0]);
  const cells = rows.map(([label, value]) => [label, perSecond(rate(value)), number(value(stats))] as const);
  return table([["", "per second", "since the start"], ...cells], columns, style);
}

function limitedLines(keys: readonly LimitedKey[], room: number, { columns, style, now }: View): string[] {
  // The title and the column heads take two lines.
  const most = Math.max(0, room - 2);
  if (keys.length === 0 || most === 0) return [];
  const shown = keys.length <= most ? keys : keys.slice(0, Math.max(0, most - 1));
  const rows = shown.map((key) => [
    visible(key.network ?? "") || nodeIdText(key),
    `${visible(key.flag)}${key.dryRun ? " (dry run)" : ""}`,
    perSecond(key.rate),
    number(key.stopped),
    duration(now - Date.parse(key.since)),
  ]);
  const heads = ["", "by", "per second", "last minute", "for"];
  const others = keys.length - shown.length;
  return [
    ...table([heads, ...rows], columns, style, 2),
    ...(others > 0 ? [style.dim(cut(`and ${others} more`, columns))] : []),
  ];
}

function nodeIdText({ nodeId }: LimitedKey): string {
  if (nodeId === null) return "";
  const { text, hex } = nodeId;
  return text === null || visible(text) !== text ? `0x${visible(hex)}` : text;
}

function workerLines(stats: StatsReply, rate: Rate, { columns, style }: View): string[] {
  const of = (s: StatsReply, n: number) => s.perWorker.find((worker) => worker.number === n);
  const rows = stats.perWorker.map((worker) => {
    const cpu = rate((s) => of(s, worker.number)?.cpuSeconds ?? 0);
    return [
      `${worker.number} ${visible(worker.engine)}`,
      perSecond(rate((s) => of(s, worker.number)?.received ?? 0)),
      number(worker.received),
      worker.cpuSeconds === null || cpu === undefined ? "-" : `${Math.round(cpu * 100)} %`,
      worker.running ? "" : "not running",
    ];
  });
  return table([["worker", "per second", "packets", "processor", ""], ...rows], columns, style);
}

/** Columns side by side: text to the left in the first `left` ones, numbers to the right in the others. */
function table(rows: readonly (readonly string[])[], columns: number, style: Style, left = 1): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => stringWidth(row[i]!))));
  // The first column gives way if the terminal is too narrow: numbers that are cut would be wrong ones.
  const others = widths.slice(1).reduce((sum, width) => sum + width + 2, 0);
  widths[0] = Math.max(4, Math.min(widths[0]!, columns - others));
  return rows.map((row, n) => {
    const cells = row.map((cell, i) =>
      i < left ? fit(cell, widths[i]!) : " ".repeat(Math.max(0, widths[i]! - stringWidth(cell))) + cell,
    );
    const line = cut(cells.join("  "), columns);
    return n === 0 ? style.dim(line) : line;
  });
}

/** Words in lines of a width. Lines after the first are indented. */
function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && line !== indent && stringWidth(longer) > width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line].map((one) => cut(one, width));
}

/** Text that is no wider than a width, which may be infinite. */
function cut(text: string, width: number): string {
  return stringWidth(text) <= width ? text.trimEnd() : fit(text, width).trimEnd();
}

function number(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}

function perSecond(n: number | undefined): string {
  if (n === undefined) return "-";
  return n === 0 || n >= 10 ? number(n) : n.toFixed(1);
}

/** `12 s`, `5 min`, `3 h 20 min`, `2 d 4 h`. */
function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}
