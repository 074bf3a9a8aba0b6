/** A discovery server with an admin server in this process, and requests to it. */
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { type AdminOptions, AdminServer } from "../../src/admin/index.ts";
import { DiscoveryServer } from "../../src/server/index.ts";

export class Site implements AsyncDisposable {
  readonly admin: AdminServer;
  readonly server: DiscoveryServer;
  readonly url: string;

  private constructor(admin: AdminServer, server: DiscoveryServer) {
    this.admin = admin;
    this.server = server;
    this.url = admin.url!.replace("0.0.0.0", "127.0.0.1").replace(/\/$/, "");
  }

  /** @param probe - whether the server checks itself with packets of its own, which count as received */
  static async start(options: Partial<AdminOptions> = {}, { probe = true } = {}): Promise<Site> {
    const admin = await AdminServer.start({ host: "127.0.0.1", port: 0, ...options });
    const server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000 });
    admin.watch(probe ? server : withMethods(server, { readiness: async () => ({ ready: true, checks: [] }) }));
    return new Site(admin, server);
  }

  get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
    return fetch(this.url + path, { method, headers });
  }

  async json<T>(path: string): Promise<T> {
    return (await (await this.get(path)).json()) as T;
  }

  /** A bare connection, for what `fetch` would not send. `text` is what the server has sent so far. */
  async connect(request: string | Uint8Array) {
    const connection = { text: "", closed: false };
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(this.url).port),
      socket: {
        data: (_socket, bytes) => {
          connection.text += bytes.toString();
        },
        close: () => {
          connection.closed = true;
        },
        error() {},
      },
    });
    socket.write(request);
    return Object.assign(connection, { socket });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.stop();
    await this.server.stop();
  }
}

/** The records of the log while `run` runs. */
export async function logged(run: (records: readonly LogRecord[]) => Promise<void>): Promise<string[]> {
  const records: LogRecord[] = [];
  const sink = (record: LogRecord) => void records.push(record);
  await configure({
    reset: true,
    sinks: { sink },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: [] },
      { category: "whereabouts", lowestLevel: "debug", sinks: ["sink"] },
    ],
  });
  try {
    await run(records);
  } finally {
    await reset();
  }
  return records.map(({ level, message }) => `${level}: ${message.join("")}`);
}

/** A server for the admin server to watch, with some of its methods replaced. */
export function withMethods(server: DiscoveryServer, methods: Partial<DiscoveryServer>): DiscoveryServer {
  const { options, port, addresses } = server;
  return {
    options,
    port,
    addresses,
    stats: () => server.stats(),
    node: (nodeId: Uint8Array) => server.node(nodeId),
    limited: () => server.limited(),
    problems: () => server.problems(),
    readiness: () => server.readiness(),
    ...methods,
  } as unknown as DiscoveryServer;
}
