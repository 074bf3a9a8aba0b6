/**
 * What a service of systemd does: it takes sockets that systemd has bound, and tells systemd when it is ready, how it is, when it
 * stops, and that it still works (the watchdog). Without systemd, all of this does nothing.
 */

import { count } from "../../log/count.ts";
import type { DiscoveryServer } from "../../server/index.ts";
import { NotifySocket } from "./notify-socket.ts";
import { takeListenSockets } from "./sockets.ts";

/** How often to look whether the server is ready, until it is. */
const READY_MS = 100;
/** How often `systemctl status` gets new figures. */
const STATUS_MS = 10_000;

export class Systemd {
  /** Descriptors of the sockets that systemd has bound. */
  readonly sockets: readonly number[];
  /** A line for the log, if systemd cannot be told anything. */
  readonly warning: string | undefined;
  readonly #socket: NotifySocket | undefined;
  readonly #watchdogMs: number | undefined;
  #timers: Timer[] = [];
  #stopping = false;

  /** Takes from the environment what systemd has put there, and removes it. */
  constructor(env: NodeJS.ProcessEnv = process.env) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env;
    for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete env[name];
    this.sockets = takeListenSockets(env, process.pid);
    if (!NOTIFY_SOCKET) return;
    try {
      this.#socket = new NotifySocket(NOTIFY_SOCKET);
    } catch (error) {
      const { message } = error as Error;
      this.warning = `systemd is not told when the server is ready: ${message}; use Type=exec and no WatchdogSec= in its unit`;
    }
    const isOurs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
    if (isOurs && Number(WATCHDOG_USEC) > 0) this.#watchdogMs = Number(WATCHDOG_USEC) / 1000;
  }

  /** Tells systemd when the server is ready, and from then on how it is, until {@link stopping}. */
  async watch(server: DiscoveryServer): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    for (;;) {
      const { ready, checks } = await server.readiness();
      if (this.#stopping) return;
      if (ready) break;
      socket.send(`STATUS=not ready: ${checks.find(({ ok }) => !ok)?.text}`);
      await Bun.sleep(READY_MS);
    }
    // systemd may be too busy to take it now, and waits for nothing else.
    while (!socket.send("READY=1", `STATUS=${statusText(server)}`)) {
      await Bun.sleep(READY_MS);
      if (this.#stopping) return;
    }
    this.#every(STATUS_MS, () => socket.send(`STATUS=${statusText(server)}`));
    if (this.#watchdogMs === undefined) return;
    const heartbeats = new Heartbeats(server);
    this.#every(this.#watchdogMs / 2, () => {
      if (heartbeats.move()) socket.send("WATCHDOG=1");
    });
  }

  /** Tells systemd that the server stops. */
  stopping(): void {
    this.#stopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#socket?.send("STOPPING=1");
  }

  #every(ms: number, callback: () => void): void {
    const timer = setInterval(callback, ms);
    timer.unref();
    this.#timers.push(timer);
  }
}

/** Looks whether the workers of a server are alive. */
class Heartbeats {
  readonly #server: DiscoveryServer;
  #last: readonly number[] = [];

  constructor(server: DiscoveryServer) {
    this.#server = server;
  }

  /** Whether each worker that runs had a heartbeat since the last call, and at least one runs. */
  move(): boolean {
    const { perWorker } = this.#server.stats();
    const last = this.#last;
    this.#last = perWorker.map(({ heartbeats }) => heartbeats);
    const running = perWorker.filter(({ running }) => running);
    return running.length > 0 && running.every(({ number, heartbeats }) => heartbeats !== last[number - 1]);
  }
}

function statusText(server: DiscoveryServer): string {
  const { nodes, received, workers } = server.stats();
  const [problem] = server.problems();
  const figures = `${count(nodes, "node")}, ${count(received, "packet")} received, ${count(workers, "worker")}`;
  return problem === undefined ? figures : `${problem.text}; ${figures}`;
}
