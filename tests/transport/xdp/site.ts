/** A server on a virtual host, and a link to it. */
import type { Subprocess } from "bun";
import { Link } from "../../support/link/link.ts";
import type { Host } from "../../support/netns.ts";
import { createNetwork, type Network, PORT } from "./network.ts";
import type { Counts } from "./server.ts";

/** The transports that are compared. */
export const KINDS = ["mmsg", "xdp"] as const;
export type Kind = (typeof KINDS)[number];

const SCRIPT = new URL("./server.ts", import.meta.url).pathname;
export interface SiteOptions {
  readonly mtu?: number | undefined;
  /** Where the server listens: everywhere by default. */
  readonly host?: readonly string[];
}

export class Site implements AsyncDisposable {
  readonly kind: Kind;
  /** The test's end of the cable. */
  readonly link: Link;
  readonly #network: Network;
  readonly #server: Subprocess<"pipe", "pipe", "pipe">;
  readonly #lines: AsyncIterator<string>;

  private constructor(kind: Kind, network: Network, server: Subprocess<"pipe", "pipe", "pipe">) {
    this.kind = kind;
    this.#network = network;
    this.link = network.end.inside(() => new Link("b0"));
    this.#server = server;
    this.#lines = lines(server.stdout);
  }

  static async open(kind: Kind, { mtu, host }: SiteOptions = {}): Promise<Site> {
    const network = await createNetwork(mtu);
    const options = JSON.stringify({
      transport: kind,
      ...(kind === "xdp" ? { interface: "a0", fallback: false } : {}),
      host,
      port: PORT,
      workers: 1,
      capacity: 10_000,
      maxIdLength: 1008,
      sourceRate: 0,
      nodeRate: 0,
      newRate: 0,
    });
    const server = Bun.spawn(network.host.command([process.execPath, SCRIPT, options]), {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    const site = new Site(kind, network, server);
    await site.#line();
    return site;
  }

  /** The server's host. */
  get host(): Host {
    return this.#network.host;
  }

  /** The host of the test's end. */
  get end(): Host {
    return this.#network.end;
  }

  /** Asks the server for its counts. */
  async counts(): Promise<Counts> {
    this.#server.stdin.write("counts\n");
    this.#server.stdin.flush();
    return JSON.parse(await this.#line());
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the server has ended: ${await this.#server.stderr.text()}`);
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.stdin.end();
    await this.#server.exited;
    this.link[Symbol.dispose]();
    await this.#network[Symbol.asyncDispose]();
  }
}

async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const whole = text.split("\n");
    text = whole.pop()!;
    yield* whole;
  }
}
