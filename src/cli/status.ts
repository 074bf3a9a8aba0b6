/** `whereabouts status`: how a running server is doing, from its admin address. */

import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { variableOf } from "./environment.ts";
import { failOnStreamError } from "./errors.ts";
import { AdminClient, adminUrl, LIMIT_MS, RefusedError, type State, UnreachableError } from "./status/admin-client.ts";
import { renderStatus, statusLine, type View } from "./status/render.ts";
import { untilQuitKey } from "./terminal/keys.ts";
import { Lines, print, untilSignal } from "./terminal/output.ts";
import { Screen, type Size } from "./terminal/screen.ts";
import { styleFor } from "./terminal/style.ts";
import { flag, isOn } from "./values.ts";

const DEFAULT_ADMIN = "127.0.0.1:22080";

const HELP = `
Asks a server at its admin address. Prints whether it is ready and why not, what is wrong in words, its figures, and the
sources that it limits now. The variables are those of the server: 0.0.0.0 and [::] in --admin stand for this machine. For
https:// with a certificate of your own, set NODE_EXTRA_CA_CERTS to its file.
With --watch it stays and shows a live screen on a terminal (q or Ctrl-C ends it), elsewhere one line a second. It survives a
restart of the server, and says so.

Exit code 0: the server is ready. 1: it is not ready. 2: wrong use, or the token is wrong or missing. 3: it cannot be reached
(nothing or something else answers, or it takes more than 5 s). With --watch: 0 when it is ended.

Examples:
  whereabouts status
  WHEREABOUTS_ADMIN_TOKEN=SECRET whereabouts status --watch --admin https://discovery.example.org
  whereabouts status --json | jq .nodes
--json answers at once; the text takes half a second, in which it counts packets. The JSON is that of /api/stats, with
"readiness" (/readyz) and "limited" (/api/limited). While the server restores its journal it has "ready" and "readiness" only,
and with --watch "ready" and "error" while it cannot be reached.`;

interface Flags {
  readonly admin: URL | "off";
  readonly adminToken?: string;
  readonly watch?: boolean;
}

/** Rates are counted over this time, if there was no earlier look. */
const MEASURE_MS = 500;
const WATCH_MS = 1000;

export function statusCommand(): Command {
  return new Command("status")
    .description("Show how a running server is doing, once or live.")
    .addOption(
      flag("--admin <address>", "admin address of the server: HOST:PORT or a URL")
        .default(adminUrl(DEFAULT_ADMIN), DEFAULT_ADMIN)
        .argParser(adminUrl),
    )
    .addOption(flag("--admin-token <secret>", "the server's admin token, if it has one"))
    .addOption(new Option("--watch", "show a live screen"))
    .addOption(flag("--json", "print a JSON object; with --watch one a second"))
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .action(status);
}

async function status({ admin, adminToken, watch }: Flags, command: Command): Promise<void> {
  const json = isOn(command, "json");
  if (admin === "off") {
    const option = command.getOptionValueSource("admin") === "env" ? variableOf("--admin") : "--admin";
    const why = "so the server has no admin address that could be asked: give --admin HOST:PORT";
    return command.error(`error: ${option} is off, ${why}`, { exitCode: 2 });
  }
  const client = new AdminClient(admin, adminToken);
  const where = admin.protocol === "http:" && admin.pathname === "/" ? admin.host : admin.href;
  try {
    process.exitCode = await (watch ? watchServer(client, where, json) : showOnce(client, where, json));
  } catch (error) {
    if (error instanceof RefusedError) command.error(`error: ${where}: ${error.message}`, { exitCode: 2 });
    if (error instanceof UnreachableError) {
      command.error(`error: ${where} cannot be reached: ${error.message}`, { exitCode: 3 });
    }
    failOnStreamError(error, command);
  } finally {
    client.close();
  }
  process.exit();
}

/** @returns the exit code */
async function showOnce(client: AdminClient, where: string, json: boolean): Promise<number> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const before = await client.read(signal);
  if (json) {
    await print(`${stateJson(before)}\n`);
    return before.readiness.ready ? 0 : 1;
  }
  if (before.stats !== undefined) await sleep(MEASURE_MS);
  const state = before.stats === undefined ? before : await client.read(signal);
  const columns = process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
  const size = { columns, rows: Number.POSITIVE_INFINITY };
  const lines = renderStatus({ ...size, now: Date.now(), style: styleFor(process.stdout), where, state, before });
  await print(`${lines.join("\n")}\n`);
  return state.readiness.ready ? 0 : 1;
}

/** Looks at the server once a second until a key or a signal ends it, or nobody reads the output any more. */
async function watchServer(client: AdminClient, where: string, json: boolean): Promise<number> {
  const signalled = untilSignal();
  const watched = new Watched(client);
  // A wrong token will not become right.
  await Promise.race([watched.look(RefusedError), signalled]);
  const onScreen = process.stdout.isTTY && process.env.TERM !== "dumb" && !json;
  const output = onScreen ? screenOf(watched, where) : linesOf(watched, where, json);
  const ended = Promise.race([signalled, output.ended]).then(() => true);
  do {
    await output.show();
  } while (!(await Promise.race([ended, sleep(WATCH_MS).then(() => watched.look())])));
  await output.close();
  return 0;
}

interface Output {
  /** Resolves when the user ends it, or nobody reads it any more. */
  readonly ended: Promise<unknown>;
  show(): void | Promise<void>;
  close(): Promise<void>;
}

function screenOf(watched: Watched, where: string): Output {
  const style = styleFor(process.stdout);
  const screen = new Screen((size: Size) =>
    renderStatus({ ...size, now: Date.now(), style, where, ...watched.view() }),
  );
  const ended = Promise.race([untilQuitKey(), screen.gone]);
  screen.open();
  // Times go on while the server does not answer.
  const timer = setInterval(() => screen.draw(), WATCH_MS);
  return {
    ended,
    show: () => screen.draw(),
    close: async () => {
      clearInterval(timer);
      await screen.close();
    },
  };
}

function linesOf(watched: Watched, where: string, json: boolean): Output {
  const lines = new Lines();
  return {
    ended: lines.gone,
    async show() {
      const view = watched.view();
      await lines.add(json ? viewJson(view) : statusLine({ now: Date.now(), where, ...view }));
      await lines.flush();
    },
    close: () => lines.flush(),
  };
}

/** The latest states of a server that may restart. */
class Watched {
  readonly #client: AdminClient;
  #state: State | undefined;
  #before: State | undefined;
  #error: { readonly message: string; readonly since: number } | undefined;
  #restartedAt: number | undefined;
  /** Of the latest state that had one. */
  #uptime = 0;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  /** @param fatal - errors of this class are thrown; other errors of the server or network are part of the view */
  async look(fatal?: typeof RefusedError): Promise<void> {
    try {
      const state = await this.#client.read();
      const uptime = state.stats?.uptime;
      const restarted = uptime !== undefined && uptime < this.#uptime;
      if (restarted) this.#restartedAt = Date.now() - uptime * 1000;
      this.#uptime = uptime ?? this.#uptime;
      this.#before = restarted ? undefined : this.#state;
      this.#state = state;
      this.#error = undefined;
    } catch (error) {
      const known = error instanceof UnreachableError || error instanceof RefusedError;
      if (!known || (fatal !== undefined && error instanceof fatal)) throw error;
      this.#error = { message: error.message, since: this.#error?.since ?? Date.now() };
    }
  }

  view(): Pick<View, "state" | "before" | "error" | "restartedAt"> {
    return { state: this.#state, before: this.#before, error: this.#error, restartedAt: this.#restartedAt };
  }
}

function stateJson({ stats, readiness, limited }: State): string {
  const { ready } = readiness;
  return JSON.stringify(stats === undefined ? { ready, readiness } : { ...stats, ready, readiness, limited });
}

function viewJson({ state, error }: Pick<View, "state" | "error">): string {
  if (error === undefined && state !== undefined) return stateJson(state);
  return JSON.stringify({ ready: false, error: error?.message ?? null, at: new Date().toISOString() });
}
