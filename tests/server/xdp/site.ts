/** A server with the transport xdp on one virtual host, and a client on another. */
import type { ServerOptions } from "../../../src/server/index.ts";
import { Folder } from "../../support/folder.ts";
import { type Host, twoHosts } from "../../support/netns.ts";
import type { ClientCommand, ClientOptions } from "./client.ts";
import { Program } from "./program.ts";
import type { ServerCommand } from "./server.ts";

export const PORT = 22025;
const CLIENT = [10, 9, 0, 1];
const SERVER = "10.9.0.2";

export type ServerProgram = Program<ServerCommand>;

/** The server's interface is `b0`. */
export class Site implements AsyncDisposable {
  readonly #hosts: Awaited<ReturnType<typeof twoHosts>>;
  readonly #folder = new Folder();
  readonly #programs: AsyncDisposable[] = [];
  readonly queues: number;

  private constructor(hosts: Awaited<ReturnType<typeof twoHosts>>, queues: number) {
    this.#hosts = hosts;
    this.queues = queues;
  }

  static async create(queues = 1): Promise<Site> {
    return new Site(await twoHosts({ queues }), queues);
  }

  /** The client's host. */
  get client(): Host {
    return this.#hosts.a;
  }

  /** The server's host. */
  get host(): Host {
    return this.#hosts.b;
  }

  /** Starts the server. @param by - a command that starts it with other rights */
  async serve(options: Partial<ServerOptions> = {}, by: readonly string[] = []): Promise<ServerProgram> {
    const server = this.server(options, by);
    const { error } = await server.next<{ error?: string }>();
    if (error !== undefined) throw new Error(error);
    return server;
  }

  /** {@link serve}, but its first line was not read yet. */
  server(options: Partial<ServerOptions> = {}, by: readonly string[] = []): ServerProgram {
    const all: Partial<ServerOptions> = {
      transport: "xdp",
      interface: "b0",
      workers: this.queues,
      port: PORT,
      receiveBuffer: 1 << 20,
      capacity: 20_000,
      sourceRate: 0,
      nodeRate: 0,
      newRate: 0,
      journal: `sqlite:${this.#folder.at("registry.db")}`,
      ...options,
    };
    return this.#kept(new Program<ServerCommand>(this.host, "./server.ts", all, by));
  }

  async ask(nodes: number, port = PORT): Promise<Program<ClientCommand>> {
    const options: ClientOptions = { server: SERVER, from: CLIENT, port, nodes };
    const client = this.#kept(new Program<ClientCommand>(this.client, "./client.ts", options));
    await client.next();
    return client;
  }

  #kept<P extends AsyncDisposable>(program: P): P {
    this.#programs.push(program);
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
    await this.#hosts[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}
