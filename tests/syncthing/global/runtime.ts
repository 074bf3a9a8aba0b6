/** `GlobalServer` under Bun and under Node. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { join } from "node:path";
import { bundleForNode } from "../../support/bundle.ts";
import { OutputLines } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { hasNode, NEEDS_NODE, NODE } from "../../support/node.ts";
import { hasOpenssl, NEEDS_OPENSSL, selfSigned } from "../../support/syncthing/certificates.ts";

/** What is done with one `GlobalServer`: first the announcement, then all lookups at once. */
export interface Task {
  readonly url: string;
  readonly identity?: { readonly certificate: string; readonly key: string };
  /** In milliseconds. */
  readonly timeout?: number;
  readonly idle?: number;
  readonly announce?: readonly string[];
  /** Device IDs in hex. */
  readonly lookups?: readonly string[];
  /** Ends the lookups when they have begun; or leaves the server's client open when all is done. */
  readonly stop?: "close" | "abort" | "never";
}

/** What `GlobalServer` returned or threw. */
export interface Result {
  readonly addresses?: readonly string[];
  readonly seenAt?: number;
  readonly retryAfter?: number;
  readonly reannounceAfter?: number;
  /** Name and message. */
  readonly error?: string;
  readonly code?: string;
}

const PROGRAM = join(import.meta.dir, "client.ts");

/** A process that does tasks. */
class Client implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #waiting = new Map<number, (results: Result[]) => void>();
  #number = 0;

  private constructor(argv: readonly string[], authority: string) {
    this.#child = Bun.spawn([...argv], {
      env: { ...Bun.env, NODE_EXTRA_CA_CERTS: authority },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    void this.#read();
  }

  /** @param authority - a PEM file with a certificate that the client trusts */
  static async start(runtime: Runtime, folder: Folder, authority: string): Promise<Client> {
    if (runtime === "Bun") return new Client([process.execPath, PROGRAM], authority);
    const bundle = folder.at("client.mjs");
    await bundleForNode(PROGRAM, bundle);
    return new Client([NODE, bundle], authority);
  }

  /** Resolves with a result for the announcement and one for each lookup. */
  run(task: Task): Promise<Result[]> {
    const number = this.#number++;
    this.#child.stdin.write(`${JSON.stringify({ number, task })}\n`);
    void this.#child.stdin.flush();
    return new Promise((resolve) => this.#waiting.set(number, resolve));
  }

  /** Resolves when the process has ended by itself, because it has nothing left to do. */
  async end(): Promise<number> {
    this.#child.stdin.end();
    return await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #read(): Promise<void> {
    const lines = new OutputLines(this.#child.stdout);
    for (;;) {
      const line = await lines.next(/^\{/).catch(() => undefined);
      if (line === undefined) return;
      const { number, results } = JSON.parse(line) as { number: number; results: Result[] };
      this.#waiting.get(number)?.(results);
    }
  }
}

/** What the tests of one runtime share. */
class Fixture {
  readonly folder = new Folder();
  readonly client: Promise<Client>;
  /** The client's. */
  readonly own = selfSigned(this.folder, "own");
  /** A server's. */
  readonly server = selfSigned(this.folder, "server");
  /** Another server's. */
  readonly other = selfSigned(this.folder, "other");
  /** For a server at localhost. It is among the client's authorities. */
  readonly trusted = selfSigned(this.folder, "trusted", "DNS:localhost");

  constructor(runtime: Runtime) {
    this.client = Client.start(runtime, this.folder, this.trusted.certificateFile);
  }

  readonly run = async (task: Task): Promise<Result[]> => await (await this.client).run(task);

  /** One lookup. */
  readonly ask = async (url: string, timeout?: number): Promise<Result> => {
    const [result] = await this.run({ url, lookups: [ID], ...(timeout && { timeout }) });
    return result!;
  };
}

type Runtime = "Bun" | "Node";

/** The device ID that {@link Fixture.ask} looks up, in hex. */
export const ID = "ab".repeat(32);

type Test = (fixture: Fixture) => Promise<void>;

/** @param needs - a program that the test needs, besides openssl and the runtime */
type Check = (name: string, run: Test, needs?: string) => void;

/** Tests of `GlobalServer` that hold under both runtimes. */
export function describeClient(title: string, tests: (check: Check) => void): void {
  for (const runtime of ["Bun", "Node"] as const) {
    const there = hasOpenssl && (runtime === "Bun" || hasNode);
    const reason = runtime === "Bun" ? NEEDS_OPENSSL : `${NEEDS_OPENSSL}; ${NEEDS_NODE}`;
    describe(`${title} under ${runtime}`, () => {
      let fixture: Fixture;
      beforeAll(() => {
        if (there) fixture = new Fixture(runtime);
      });
      afterAll(async () => {
        if (!there) return;
        // A connection that a test left open, without a request, does not keep the process running.
        expect(await (await fixture.client).end()).toBe(0);
        fixture.folder[Symbol.dispose]();
      });
      tests((name, run, needs) => {
        const found = needs === undefined || Bun.which(needs) !== null;
        testIf(there && found, needs === undefined ? reason : `${reason}; needs ${needs}`)(name, () => run(fixture));
      });
    });
  }
}
