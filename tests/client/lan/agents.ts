/** Starts agent.ts in a virtual host (netns.ts), gives it orders and collects its reports. */
import { build } from "esbuild";
import type { Lan } from "../../../src/client/lan/lan.ts";
import type { Timings } from "../../../src/client/types.ts";
import type { Host } from "../../support/netns.ts";
import { Reporter } from "../../support/reporter.ts";

/** The runtime of an agent: Bun, Bun with the sockets of Node, or Node. */
export type Runtime = "bun" | "bun, node's sockets" | "node";

export const hasNode: boolean = Bun.which("node") !== null;

export interface AgentOptions {
  /** lan: a Lan. listener: plain sockets that report the packets they receive. unshared: one that does not share its port. */
  kind: "lan" | "listener" | "unshared";
  nodeId: string;
  /** 0: it only listens. */
  announcedPort: number;
  port: number;
  group?: string;
  interfaces?: string[];
  /** Of agents of the kind lan; the others are run by Bun. */
  runtime: Runtime;
  timings: Partial<Timings>;
  /** `nothing sent at first` and `no list at first` last for half a second; `no list`: of the network interfaces. */
  sabotage?: "no IPv4" | "no IPv6" | "no IPv6 at first" | "no sharing" | "nothing sent at first" | "no list at first";
}

interface Change<T> {
  type: T;
  nodeId: string;
  ip: string;
  port: number;
}

export type Report =
  | { type: "ready" }
  | Change<"node">
  | Change<"moved">
  | Change<"gone">
  | { type: "error"; code: string | undefined; where: string; message: string }
  | { type: "announced"; address: string; bytes: number }
  | { type: "sent" }
  | { type: "closed" }
  | { type: "refused"; code: string | undefined; message: string }
  | { type: "heard"; hex: string; ip: string }
  /** `reads`: how often it has read the list of interfaces. */
  | { type: "state"; nodes: number; reads: number; counters: Lan["counters"] };

export type Order = { send: string[]; to: string; port?: number } | { do: "announce" | "announce and close" | "look" };

type ReportOf<T extends Report["type"]> = Extract<Report, { type: T }>;

const bundles = new Map<string, Promise<string>>();

/** The command that runs a script in Bun, or in Node, which cannot run TypeScript and gets a bundle as its argument. */
export async function program({ pathname }: URL, runtime: Runtime): Promise<string[]> {
  if (runtime !== "node") return [process.execPath, pathname];
  const options = {
    bundle: true,
    minify: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
  } as const;
  const bundle =
    bundles.get(pathname) ??
    build({ ...options, entryPoints: [pathname] }).then(({ outputFiles }) => outputFiles[0]!.text);
  bundles.set(pathname, bundle);
  return ["node", "--input-type=module", "--eval", await bundle];
}

export class Agent extends Reporter<Report> {
  static async start(host: Host, options: Partial<AgentOptions>): Promise<Agent> {
    const all: AgentOptions = {
      kind: "lan",
      nodeId: "NODE",
      announcedPort: 22000,
      port: 21025,
      timings: {},
      runtime: "bun",
      ...options,
    };
    const command = await program(new URL("./agent.ts", import.meta.url), all.kind === "lan" ? all.runtime : "bun");
    return await new Agent(host.command([...command, JSON.stringify(all)])).ready();
  }

  override order(order: Order): void {
    super.order(order);
  }

  /** Asks for the state. */
  async state(): Promise<ReportOf<"state">> {
    const before = this.all("state").length;
    this.order({ do: "look" });
    await this.first("state", () => this.all("state").length > before);
    return this.all("state").at(-1)!;
  }
}
