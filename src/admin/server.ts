/** The admin server: HTTP for the people and programs that watch a discovery server. docs/admin.md describes it. */
import { getLogger } from "@logtape/logtape";
import { OutageLog } from "../log/outage-log.ts";
import type { DiscoveryServer } from "../server/index.ts";
import { errorReply } from "./http.ts";
import { Listener } from "./listener.ts";
import { type AdminOptions, checkAdminOptions } from "./options.ts";
import { pathOf, route, type State } from "./routes.ts";
import { Access } from "./security.ts";
import { Watched } from "./watched.ts";

const logger = getLogger(["whereabouts", "admin"]);

/**
 * An admin server.
 *
 * @example
 * ```ts
 * const admin = await AdminServer.start({ host: "127.0.0.1", port: 22080 });
 * const server = await DiscoveryServer.start();
 * admin.watch(server);
 * ```
 */
export class AdminServer {
  readonly #access: Access;
  readonly #errors = new OutageLog(logger, "requests are answered");
  #listener!: Listener;
  #state: State = { phase: "starting", watched: undefined };

  private constructor(options: AdminOptions) {
    this.#access = new Access(options);
  }

  /**
   * Starts to listen. Until {@link watch} is called, it answers that the discovery server is starting. If the address is in
   * use or not there yet, it logs a warning and tries again every few seconds.
   *
   * @throws {TypeError} for an option of the wrong kind, and for an unknown one
   * @throws {RangeError} for an option out of range, and if there is no token although other machines can reach the address
   * @throws {ServerError} if it can never listen there, for instance because it lacks the privilege for a low port
   */
  static async start(options: AdminOptions): Promise<AdminServer> {
    checkAdminOptions(options);
    const admin = new AdminServer(options);
    admin.#listener = await Listener.start(options, (request) => admin.#handle(request));
    return admin;
  }

  /** The address of the page; undefined while it cannot listen. */
  get url(): string | undefined {
    return this.#listener.url;
  }

  /** From now on it shows this server, which was started. */
  watch(server: DiscoveryServer): void {
    if (this.#state.phase === "starting") this.#state = { phase: "running", watched: new Watched(server) };
  }

  /** From now on it says that the server is not ready, because it stops. Everything else is answered as before. */
  stopping(): void {
    this.#state = { ...this.#state, phase: "stopping" };
  }

  /** Ends all requests and streams, and frees the address. Never throws. */
  async stop(): Promise<void> {
    this.stopping();
    this.#state.watched?.stop();
    await this.#listener.stop();
  }

  async #handle(request: Request): Promise<Response> {
    // Bun answers all requests of one read in one turn of the event loop, so a client that does not wait for replies could
    // keep this thread busy. While a reply is pending, Bun closes a connection that sends another request.
    await new Promise(setImmediate);
    try {
      const path = pathOf(request);
      if (path === undefined) return errorReply(400, "the URL or the Host header is invalid");
      const response = this.#access.refusal(request, path) ?? (await route(request, path, this.#state));
      this.#errors.recovered();
      return response;
    } catch (error) {
      this.#errors.failed(`a request to the admin address failed: ${(error as Error).message}`);
      return errorReply(500, "this request failed; the log of the server has the reason");
    }
  }
}
