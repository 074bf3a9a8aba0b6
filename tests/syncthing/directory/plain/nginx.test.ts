// The listener behind a real nginx, as docs would have one set it up.
import { expect } from "bun:test";
import { parseNetwork } from "../../../../src/server/index.ts";
import { PlainListener } from "../../../../src/syncthing/directory/plain/listener.ts";
import { Folder } from "../../../support/folder.ts";
import { testIf } from "../../../support/needs.ts";
import { lastingPort } from "../../../support/ports.ts";
import { hasOpenssl, makeCertificate, PROXIES } from "../certificates.ts";
import { FakeDirectory, handlerOf } from "../fake-directory.ts";
import { sendHttp1, sendHttp2 } from "../requests.ts";
import { SERVER } from "../tls/site.ts";

const hasNginx = Bun.which("nginx") !== null;

/** nginx in front of a port of this host, for clients of HTTP/1.1 and HTTP/2. */
class Nginx implements AsyncDisposable {
  readonly #folder: Folder;
  readonly #process: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly url: string;

  private constructor(folder: Folder, port: number) {
    this.#folder = folder;
    this.url = `https://127.0.0.1:${port}`;
    const config = folder.at("nginx.conf");
    this.#process = Bun.spawn(["nginx", "-c", config, "-p", folder.path, "-e", "stderr"], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
  }

  static async start(upstream: number): Promise<Nginx> {
    const folder = new Folder();
    const port = await lastingPort();
    await Bun.write(folder.at("cert.pem"), SERVER.cert);
    await Bun.write(folder.at("key.pem"), SERVER.key);
    await Bun.write(folder.at("nginx.conf"), configuration(folder, port, upstream));
    const nginx = new Nginx(folder, port);
    for (;;) {
      try {
        await sendHttp1(`${nginx.url}/ping`);
        return nginx;
      } catch {
        if (nginx.#process.exitCode !== null) throw new Error(await nginx.#process.stderr.text());
        await Bun.sleep(20);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
    this.#folder[Symbol.dispose]();
  }
}

function configuration(folder: Folder, port: number, upstream: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    daemon off;
    master_process off;
    pid ${folder.at("nginx.pid")};
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder.at(name)};`).join("\n")}
      server {
        listen 127.0.0.1:${port} ssl http2;
        ssl_certificate ${folder.at("cert.pem")};
        ssl_certificate_key ${folder.at("key.pem")};
        ssl_verify_client optional_no_ca;
        location / {
          proxy_pass http://127.0.0.1:${upstream};
          proxy_set_header X-SSL-Cert $ssl_client_escaped_cert;
          proxy_set_header X-Forwarded-For $remote_addr;
          proxy_set_header X-Client-Port $remote_port;
        }
      }
    }`;
}

testIf(hasNginx && hasOpenssl, "needs nginx, openssl and faketime")(
  "a device announces itself through nginx, with its own certificate and address, and is found",
  async () => {
    const directory = new FakeDirectory();
    const handler = handlerOf(directory);
    const trusted = [parseNetwork("127.0.0.1")];
    const certificateHeader = "X-Ssl-Cert";
    const listener = new PlainListener({ host: "127.0.0.1", port: 0, handler, trusted, certificateHeader });
    await using nginx = await Nginx.start(listener.port);
    const body = JSON.stringify({ addresses: ["tcp://192.0.2.7:0"] });
    for (const send of [sendHttp1, sendHttp2]) {
      // nginx itself refuses expired ones.
      const certificate = await makeCertificate();
      expect(await send(`${nginx.url}/v2/`, { method: "POST", body, certificate })).toMatchObject({ status: 204 });
      const found = await send(`${nginx.url}/v2/?device=${certificate.device}`);
      // Port 0 became the client's.
      expect(JSON.parse(found.body).addresses).toEqual([expect.stringMatching(/^tcp:\/\/192\.0\.2\.7:[1-9]\d+$/)]);
      for (const [, forge] of PROXIES) {
        const forged = { method: "POST", body, headers: forge(certificate) };
        expect(await send(`${nginx.url}/v2/`, forged)).toMatchObject({ status: 403 });
      }
    }
    expect(listener.requests).toMatchObject({ new: 2, found: 2, "no-certificate": 8 });
    await listener.close();
  },
);
