/** What `bench:https` measures, each in processes of its own: our server, and the original one of Syncthing. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, processorTimeOfThreads } from "../processes.ts";
import { resident } from "../server/machine.ts";
import { sum } from "../statistics.ts";
import type { Endpoint } from "./load/connection.ts";

export const SUBJECTS = ["whereabouts", "stdiscosrv"] as const;
export type SubjectName = (typeof SUBJECTS)[number];

const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
/** Rate 0 turns a limit off. */
const NO_LIMITS = ["--source-rate", "0", "--node-rate", "0", "--new-rate", "0"];
/** How often a port is tried until its server listens, and how long. */
const POLL_MS = 20;
const START_LIMIT_MS = 30_000;

type Child = Bun.Subprocess<"ignore", "ignore", "inherit" | "ignore">;

/** Processes to kill when this one exits. */
const running = new Set<Child>();
const folders = new Set<string>();

export function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** A server that knows all devices. */
export interface Subject extends AsyncDisposable {
  readonly name: SubjectName;
  /** For clients, with TLS. */
  readonly https: Endpoint;
  /** For a proxy, without TLS. */
  readonly http: Endpoint;
  /** The port of the original protocol; undefined if it does not speak that. */
  readonly udpPort: number | undefined;
  /** The process that serves `https`. */
  readonly pid: number;
  /** Resident memory in bytes, before and after the devices were announced. */
  readonly empty: number;
  readonly loaded: number;
  /** Whether that process still runs. */
  alive(): boolean;
  /** Processor time so far, of all its processes, in microseconds. */
  cpu(): number;
}

/** Announces all devices. */
type Fill = (endpoint: Endpoint) => Promise<void>;

export interface SubjectOptions {
  /** Command prefix that pins a process to processors. */
  readonly pin: readonly string[];
  /** Most devices that it has to store. */
  readonly capacity: number;
  /** Whether our server has its default limits. The original has none. */
  readonly limits: boolean;
  readonly fill?: Fill;
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })).terminate();
    return true;
  } catch {
    return false;
  }
}

/** Starts a server and waits until it accepts connections on the ports. */
async function start(command: readonly string[], ports: readonly number[]): Promise<Child> {
  const child: Child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  running.add(child);
  void child.exited.then(() => running.delete(child));
  const end = performance.now() + START_LIMIT_MS;
  for (const port of ports) {
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended with exit code ${child.exitCode}`);
      if (performance.now() > end) throw new Error(`${command.join(" ")} does not listen on port ${port}`);
      await Bun.sleep(POLL_MS);
    }
  }
  return child;
}

async function end(child: Child, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await child.exited;
}

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "whereabouts-"));
  folders.add(folder);
  return folder;
}

const endpoint = (port: number, tls: boolean): Endpoint => ({ port, tls });

/** What all subjects have. The first of the processes is the one that serves `https`. */
function subjectOf(folder: string, children: readonly [Child, ...Child[]]) {
  const [first] = children;
  return {
    pid: first.pid,
    alive: () => first.exitCode === null && first.signalCode === null,
    cpu: () => sum(children.map(({ pid }) => processorTimeOfThreads(pid))),
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map((child) => end(child, "SIGKILL")));
      rmSync(folder, { recursive: true, force: true });
      folders.delete(folder);
    },
  };
}

/** One process serves both, and keeps its devices in SQLite as by default. */
async function startWhereabouts({ pin, capacity, limits, fill }: SubjectOptions): Promise<Subject> {
  const folder = createFolder();
  const [https, http] = [endpoint(freePort(), true), endpoint(freePort(), false)];
  const udpPort = freePort();
  const flags = {
    host: "127.0.0.1",
    port: udpPort,
    admin: "off",
    journal: `sqlite:${join(folder, "registry.db")}`,
    "log-level": "warn",
    https: `127.0.0.1:${https.port}`,
    http: `127.0.0.1:${http.port}`,
    "trust-proxy": "127.0.0.1/32",
    "https-capacity": capacity,
  };
  const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const command = [...pin, process.execPath, MAIN, "server", ...given, ...(limits ? [] : NO_LIMITS)];
  const child = await start(command, [https.port, http.port]);
  const empty = resident(child.pid);
  await fill?.(http);
  const loaded = resident(child.pid);
  return { ...subjectOf(folder, [child]), name: "whereabouts", https, http, udpPort, empty, loaded };
}

/**
 * It serves either with TLS or behind a proxy. So the devices are announced to one process behind a proxy, and the one with TLS gets a
 * copy of its database.
 */
async function startStdiscosrv({ pin, fill }: SubjectOptions): Promise<Subject> {
  const folder = createFolder();
  const [https, http] = [endpoint(freePort(), true), endpoint(freePort(), false)];
  const [database, copy] = [join(folder, "db"), join(folder, "copy")];
  const identity = ["-cert", join(folder, "cert.pem"), "-key", join(folder, "key.pem")];
  const serve = ({ port, tls }: Endpoint, directory: string) =>
    start(
      // Without TLS it makes a certificate too, in the working directory unless files are named.
      [
        ...[...pin, "stdiscosrv", ...identity, ...(tls ? [] : ["-http"])],
        ...["-listen", `127.0.0.1:${port}`, "-db-dir", directory],
      ],
      [port],
    );
  mkdirSync(database);
  const first = await serve(http, database);
  const empty = resident(first.pid);
  await fill?.(http);
  const loaded = resident(first.pid);
  // It writes what it still has in memory.
  await end(first, "SIGTERM");
  cpSync(database, copy, { recursive: true });
  const processes = subjectOf(folder, [await serve(https, copy), await serve(http, database)]);
  return { ...processes, name: "stdiscosrv", https, http, udpPort: undefined, empty, loaded };
}

export async function startSubject(name: SubjectName, options: SubjectOptions): Promise<Subject> {
  return name === "whereabouts" ? await startWhereabouts(options) : await startStdiscosrv(options);
}
