/** The original discovery server, stdiscosrv, on a port of loopback. */
import { readFileSync } from "node:fs";
import { Folder } from "../folder.ts";
import { lastingPort } from "../ports.ts";
import { until } from "../time-limits.ts";
import type { Certificate } from "./certificates.ts";

export class OriginalServer implements AsyncDisposable {
  /** With its `id`. */
  readonly url: string;
  /** Host and port. */
  readonly name: string;
  readonly deviceId: string;
  readonly #child: Bun.Subprocess;
  readonly #folder: Folder;

  private constructor(name: string, deviceId: string, child: Bun.Subprocess, folder: Folder) {
    [this.name, this.deviceId, this.#child, this.#folder] = [name, deviceId, child, folder];
    this.url = `https://${name}/v2/?id=${deviceId}`;
  }

  /** Resolves when it listens. */
  static async start({ certificateFile, keyFile, deviceId }: Certificate): Promise<OriginalServer> {
    const folder = new Folder();
    const port = await lastingPort();
    const files = ["-cert", certificateFile, "-key", keyFile, "-db-dir", folder.at("db")];
    const child = Bun.spawn(["stdiscosrv", "-listen", `127.0.0.1:${port}`, ...files], { stdout: "ignore" });
    await until(() => child.exitCode !== null || listens(port), "stdiscosrv to listen");
    return new OriginalServer(`127.0.0.1:${port}`, deviceId, child, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#folder[Symbol.dispose]();
  }
}

/** Whether something listens on a TCP port of 127.0.0.1. */
function listens(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return new RegExp(`:${hex} 0+:0000 0A`).test(readFileSync("/proc/net/tcp", "latin1"));
}
