/** Discovery servers of Syncthing in a network namespace: ours and the original, and nginx in front of them. */
import { Database } from "bun:sqlite";
import { readFileSync, writeFileSync } from "node:fs";
import { deviceIdOfPem, formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { MAIN } from "../command.ts";
import { Folder } from "../folder.ts";
import type { Host } from "../netns.ts";
import { until } from "../time-limits.ts";
import { generateIdentity } from "./syncthing.ts";

/** The reason that `testIf` gives when it skips a test. */
export const NEEDS_NGINX = "needs nginx";
/** Debian has it in /usr/sbin, which is not on every user's PATH. */
const NGINX = Bun.which("nginx") ?? Bun.which("/usr/sbin/nginx");
export const hasNginx: boolean = NGINX !== null;

/** The port that clients use, of the server itself or of nginx. */
const HTTPS_PORT = 8443;
/** The port of a server behind nginx. */
const HTTP_PORT = 8080;

/** How a discovery server is started; `folder` has `cert.pem` and `key.pem`, and is where it keeps its data. */
export interface DiscoverySubject {
  readonly name: string;
  /** Listens on all addresses. */
  https(folder: Folder, port: number): string[];
  /** Listens on 127.0.0.1 and trusts a proxy there. */
  http(folder: Folder, port: number): string[];
}

const JOURNAL = "registry.db";

function ours(folder: Folder, flags: readonly string[]): string[] {
  const journal = `sqlite:${folder.at(JOURNAL)}`;
  return [process.execPath, MAIN, "server", "--journal", journal, "--admin", "off", ...flags];
}

export const WHEREABOUTS: DiscoverySubject = {
  name: "whereabouts",
  https: (folder, port) =>
    ours(folder, [
      ...["--https", `0.0.0.0:${port}`],
      ...["--https-cert", folder.at("cert.pem"), "--https-key", folder.at("key.pem")],
    ]),
  http: (folder, port) => ours(folder, ["--http", `127.0.0.1:${port}`, "--trust-proxy", "127.0.0.1/32"]),
};

function original(folder: Folder, flags: readonly string[]): string[] {
  // Without TLS it makes a certificate too, in the working directory unless files are named.
  const files = ["-cert", folder.at("cert.pem"), "-key", folder.at("key.pem"), "-db-dir", folder.at("db")];
  return ["stdiscosrv", ...files, ...flags];
}

export const STDISCOSRV: DiscoverySubject = {
  name: "stdiscosrv",
  https: (folder, port) => original(folder, ["-listen", `0.0.0.0:${port}`]),
  http: (folder, port) => original(folder, ["-http", "-listen", `127.0.0.1:${port}`]),
};

/** Takes the client's certificate in its handshake and passes it on, as Syncthing's documentation describes. */
function nginxConfiguration(folder: Folder): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
master_process off;
pid ${folder.at("nginx.pid")};
error_log stderr;
events {}
http {
  access_log off;
  ${paths.map((name) => `${name}_temp_path ${folder.at(name)};`).join(" ")}
  server {
    listen 0.0.0.0:${HTTPS_PORT} ssl http2;
    ssl_certificate ${folder.at("cert.pem")};
    ssl_certificate_key ${folder.at("key.pem")};
    ssl_verify_client optional_no_ca;
    location / {
      proxy_pass http://127.0.0.1:${HTTP_PORT};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Client-Port $remote_port;
      proxy_set_header X-SSL-Cert $ssl_client_escaped_cert;
    }
  }
}
`;
}

/** A discovery server that clients reach over HTTPS. */
export class Discovery implements AsyncDisposable {
  readonly #host: Host;
  readonly #subject: DiscoverySubject;
  readonly #behindNginx: boolean;
  readonly #folder = new Folder();
  readonly #children: Bun.Subprocess[] = [];

  private constructor(host: Host, subject: DiscoverySubject, behindNginx: boolean) {
    this.#host = host;
    this.#subject = subject;
    this.#behindNginx = behindNginx;
    generateIdentity(this.#folder.path);
  }

  /** Resolves when clients can connect. */
  static async start(host: Host, subject: DiscoverySubject, { behindNginx = false } = {}): Promise<Discovery> {
    const discovery = new Discovery(host, subject, behindNginx);
    try {
      await discovery.run();
    } catch (error) {
      await discovery[Symbol.asyncDispose]();
      throw error;
    }
    return discovery;
  }

  /** As in the settings of Syncthing. */
  url(address: string): string {
    const id = formatDeviceId(deviceIdOfPem(readFileSync(this.#folder.at("cert.pem"), "utf8")));
    return `https://${address}:${HTTPS_PORT}/?id=${id}`;
  }

  /** Starts the processes, also after {@link kill}: with the same certificate and the data that the server kept. */
  async run(): Promise<void> {
    if (!this.#behindNginx) {
      await this.#spawn(this.#subject.https(this.#folder, HTTPS_PORT), HTTPS_PORT);
      return;
    }
    await this.#spawn(this.#subject.http(this.#folder, HTTP_PORT), HTTP_PORT);
    const configuration = this.#folder.at("nginx.conf");
    writeFileSync(configuration, nginxConfiguration(this.#folder));
    await this.#spawn([NGINX!, "-p", this.#folder.path, "-e", "stderr", "-c", configuration], HTTPS_PORT);
  }

  /** Waits until our server has written an announcement to its journal, which it does several times a second. */
  async journaled(): Promise<void> {
    using journal = new Database(this.#folder.at(JOURNAL), { readonly: true });
    const entries = journal.query<{ entries: number }, []>("SELECT total(entries) AS entries FROM batch");
    await until(() => entries.get()!.entries > 0, "an entry in the journal");
  }

  /** Ends the processes with SIGKILL. */
  async kill(): Promise<void> {
    const children = this.#children.splice(0);
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(({ exited }) => exited));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#folder[Symbol.dispose]();
  }

  async #spawn(command: readonly string[], port: number): Promise<void> {
    const log = this.#folder.at(`log.${port}`);
    const output = Bun.file(log);
    const child = Bun.spawn(this.#host.command([...command]), { stdin: "ignore", stdout: output, stderr: output });
    this.#children.push(child);
    try {
      await until(() => child.exitCode !== null || listens(child.pid, port), `a listener on port ${port}`);
      if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
    } catch (error) {
      throw new Error(`${command.join(" ")}: ${(error as Error).message}\n${readFileSync(log, "utf8")}`);
    }
  }
}

/** Whether anything listens on a TCP port in the namespace of a process. */
function listens(pid: number, port: number): boolean {
  const listening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, "0")} [0-9A-F]+:0000 0A `);
  return ["tcp", "tcp6"].some((table) => listening.test(readFileSync(`/proc/${pid}/net/${table}`, "latin1")));
}
