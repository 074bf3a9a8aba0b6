/** A real Syncthing in a network namespace, controlled over its REST API. It finds other devices only as a test wants it. */
import { readFileSync, writeFileSync } from "node:fs";
import { deviceIdOfPem, formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { Folder } from "../folder.ts";
import type { Host } from "../netns.ts";

/** The reason that `testIf` gives when it skips a test. */
export const NEEDS_SYNCTHING = "needs syncthing";
export const hasSyncthing: boolean = Bun.which("syncthing") !== null;

const API_KEY = "test";
/** How often a state is asked for, and how long in all. The limit only ends what hangs. */
const POLL_MS = 50;
const WAIT_LIMIT_MS = 45_000;
/** The last lines of the log that an error shows. */
const LOG_LINES = 40;

/** A connection to another device, as Syncthing reports it. */
export interface Connection {
  readonly connected: boolean;
  /** The address of the other one. */
  readonly address: string;
  /** "tcp-client" if this Syncthing dialed, "tcp-server" if the other one did. */
  readonly type: string;
}

/** What {@link Syncthing.start} needs. */
export interface Surroundings {
  /** URL of the only discovery server, with its `id`; `lan` for local discovery instead. */
  readonly discovery: string;
  /** Whether to use local discovery beside a server. */
  readonly lan?: boolean;
  /** Device ID of the other Syncthing. */
  readonly peer: string;
}

/** Makes a certificate and its key as Syncthing has them: `cert.pem` and `key.pem` in `folder`. */
export function generateIdentity(folder: string): void {
  const { exitCode, stdout } = Bun.spawnSync(["syncthing", "generate", `--home=${folder}`, "--no-default-folder"], {
    env: { ...Bun.env, HOME: folder },
  });
  if (exitCode !== 0) throw new Error(`syncthing generate failed: ${stdout}`);
}

export class Syncthing implements AsyncDisposable {
  /** With check characters and dashes. */
  readonly deviceId: string;
  readonly #host: Host;
  readonly #folder = new Folder();
  #child: Bun.Subprocess | undefined;

  /** Makes a device. It does not run yet. */
  constructor(host: Host) {
    this.#host = host;
    generateIdentity(this.#folder.path);
    this.deviceId = formatDeviceId(deviceIdOfPem(readFileSync(this.#folder.at("cert.pem"), "utf8")));
  }

  /** Starts it, also after {@link stop}. Resolves when its REST API answers. */
  async start({ discovery, peer, lan = discovery === "lan" }: Surroundings): Promise<void> {
    writeFileSync(this.#folder.at("config.xml"), configuration(this.deviceId, { peer, discovery, lan }, this.#socket));
    const command = ["syncthing", "serve", `--home=${this.#folder.path}`, "--no-browser", "--no-upgrade"];
    this.#child = Bun.spawn(this.#host.command(command), {
      env: {
        ...Bun.env,
        HOME: this.#folder.path,
        // Without a parent process that would start it again: SIGKILL ends all of it.
        STMONITORED: "yes",
        // Without a benchmark of hash functions at the start.
        STHASHING: "standard",
        STTRACE: "discover",
      },
      stdin: "ignore",
      stdout: Bun.file(this.#log),
      stderr: Bun.file(this.#log),
    });
    await this.#until("its REST API", async () => await this.#get("system/ping"));
  }

  /** Waits until the discovery server has taken its announcement. */
  async announced(): Promise<void> {
    await this.#until("its announcement", async () => {
      const { discoveryStatus } = (await this.#get("system/status")) as {
        discoveryStatus: Record<string, { error: string | null }>;
      };
      const states = Object.values(discoveryStatus);
      return states.length > 0 && states.every(({ error }) => error === null);
    });
  }

  /** Waits until it is connected to another device. */
  async connectionTo(deviceId: string): Promise<Connection> {
    return await this.#until(`a connection to ${deviceId}`, async () => {
      const { connections } = (await this.#get("system/connections")) as { connections: Record<string, Connection> };
      const connection = connections[deviceId];
      return connection?.connected ? connection : undefined;
    });
  }

  /** The addresses that it found of another device. */
  async discovered(deviceId: string): Promise<readonly string[]> {
    const found = (await this.#get("system/discovery")) as Record<string, { addresses: readonly string[] }>;
    return found[deviceId]?.addresses ?? [];
  }

  /** Waits until it has found this address of another device. */
  async finds(deviceId: string, address: string): Promise<void> {
    await this.#until(`${address} of ${deviceId}`, async () => (await this.discovered(deviceId)).includes(address));
  }

  /** Ends it with SIGKILL. */
  async stop(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#folder[Symbol.dispose]();
  }

  /** The REST API's: it is reached from all namespaces. */
  get #socket(): string {
    return this.#folder.at("api");
  }

  get #log(): string {
    return this.#folder.at("log");
  }

  async #get(path: string): Promise<unknown> {
    const headers = { "X-API-Key": API_KEY };
    const response = await fetch(`http://localhost/rest/${path}`, { unix: this.#socket, headers });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  }

  /** Asks again and again until there is a result. @throws {Error} with the end of the log, if there is none */
  async #until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
    const end = performance.now() + WAIT_LIMIT_MS;
    for (;;) {
      const child = this.#child;
      let reason: unknown;
      try {
        const result = await ask();
        if (result) return result;
      } catch (error) {
        // It may not listen yet.
        reason = error;
      }
      if (child === undefined || child.exitCode !== null || performance.now() > end) {
        const log = readFileSync(this.#log, "utf8").trimEnd().split("\n").slice(-LOG_LINES).join("\n");
        throw new Error(`Syncthing: waited in vain for ${what}; ${reason ?? ""}\n${log}`);
      }
      await Bun.sleep(POLL_MS);
    }
  }
}

/** Syncthing takes its defaults for what is missing. */
function configuration(own: string, { peer, discovery, lan }: Required<Surroundings>, socket: string): string {
  return `<configuration version="36">
  <device id="${own}"><address>dynamic</address></device>
  <device id="${peer}"><address>dynamic</address></device>
  <gui enabled="true" tls="false">
    <address>${socket}</address>
    <apikey>${API_KEY}</apikey>
  </gui>
  <options>
    <listenAddress>tcp://0.0.0.0:22000</listenAddress>
    <listenAddress>quic://0.0.0.0:22000</listenAddress>
    <globalAnnounceServer>${discovery.replaceAll("&", "&amp;")}</globalAnnounceServer>
    <globalAnnounceEnabled>${discovery !== "lan"}</globalAnnounceEnabled>
    <localAnnounceEnabled>${lan}</localAnnounceEnabled>
    <reconnectionIntervalS>5</reconnectionIntervalS>
    <relaysEnabled>false</relaysEnabled>
    <natEnabled>false</natEnabled>
    <stunServer></stunServer>
    <startBrowser>false</startBrowser>
    <urAccepted>-1</urAccepted>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <crashReportingEnabled>false</crashReportingEnabled>
    <setLowPriority>false</setLowPriority>
  </options>
</configuration>
`;
}
