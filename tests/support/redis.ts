/** A Redis server for one test, with its own port and a folder that is deleted afterwards. */
import { Folder } from "./folder.ts";
import { lastingPort } from "./ports.ts";

export const NEEDS_REDIS = "needs redis-server";
export const hasRedis: boolean = Bun.which("redis-server") !== null;

export interface RedisOptions {
  /** More settings, as `["--requirepass", "hush"]`. */
  readonly args?: readonly string[];
  /** Whether its data survives a restart. */
  readonly persistent?: boolean;
  /** Whether its port uses TLS. */
  readonly tls?: boolean;
  /** The beginning of a command that starts it elsewhere, such as in a virtual host. */
  readonly by?: readonly string[];
}

export class Redis implements AsyncDisposable {
  readonly port: number;
  readonly folder = new Folder();
  readonly #options: RedisOptions;
  #child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
  #clients: Bun.RedisClient[] = [];

  private constructor(port: number, options: RedisOptions) {
    this.port = port;
    this.#options = options;
  }

  static async start(options: RedisOptions = {}): Promise<Redis> {
    for (let attempt = 0; ; attempt++) {
      const redis = new Redis(await lastingPort(), options);
      try {
        await redis.run();
        return redis;
      } catch (error) {
        await redis[Symbol.asyncDispose]();
        // Another process may have taken the port in the meantime.
        if (attempt === 3) throw error;
      }
    }
  }

  get url(): string {
    return `${this.#options.tls ? "rediss" : "redis"}://127.0.0.1:${this.port}`;
  }

  /** Starts the process. May be called again after `kill`. */
  async run(): Promise<void> {
    const { args = [], persistent = false, tls = false, by = [] } = this.#options;
    const port = tls ? ["--port", "0", "--tls-port", `${this.port}`] : ["--port", `${this.port}`];
    const persistence = persistent ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
    const child = Bun.spawn(
      [
        ...by,
        "redis-server",
        ...port,
        ...["--bind", "127.0.0.1", "--dir", this.folder.path, "--save", ""],
        ...persistence,
        ...args,
      ],
      { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
    );
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const read = async () => {
      let text = "";
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (text.includes("Ready to accept connections")) resolve();
      }
      reject(new Error(`redis-server ended: ${text}`));
    };
    read().catch(() => {});
    await promise;
  }

  /** Ends it with SIGKILL. */
  async kill(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }

  /** Sends a command over a connection that only the test uses. */
  async ask(command: string, ...args: string[]): Promise<unknown> {
    let client = this.#clients[0];
    if (!client) {
      client = new Bun.RedisClient(this.url, { autoReconnect: false });
      this.#clients.push(client);
    }
    return await client.send(command, args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.folder[Symbol.dispose]();
  }
}
