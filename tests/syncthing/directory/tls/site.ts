/** A listener for HTTPS on a free port, with a directory in a Map. */
import { makeSelfSigned } from "../../../../src/syncthing/directory/self-signed.ts";
import type { ConnectionLimits } from "../../../../src/syncthing/directory/tls/connections.ts";
import { TlsListener } from "../../../../src/syncthing/directory/tls/listener.ts";
import { FakeDirectory, handlerOf } from "../fake-directory.ts";

export const SERVER = makeSelfSigned("syncthing");

export class TlsSite implements AsyncDisposable {
  readonly directory: FakeDirectory;
  readonly listener: TlsListener;

  private constructor(directory: FakeDirectory, listener: TlsListener) {
    this.directory = directory;
    this.listener = listener;
  }

  static async open(limits: Partial<ConnectionLimits> = {}): Promise<TlsSite> {
    const directory = new FakeDirectory();
    const handler = handlerOf(directory);
    const listener = await TlsListener.listen({ host: "127.0.0.1", port: 0, ...SERVER, handler, limits });
    return new TlsSite(directory, listener);
  }

  get url(): string {
    return `https://127.0.0.1:${this.listener.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.listener.close();
  }
}
