/** Runs the attacks, one after the other: starts the server, registers the known nodes, lets the client look up and the attacker forge. */
import { join } from "node:path";
import { DEFAULT_PORT } from "../../src/server/options.ts";
import { addressOf, Lans } from "../lan/network.ts";
import { Server } from "../server/subject.ts";
import type { Row } from "./report.ts";
import type { Result, Spray, SprayResult, Task } from "./task.ts";

export interface Setting {
  /** Length of each attack. */
  readonly seconds: number;
  /** Of known nodes, and as many of unknown ones. */
  readonly lookups: number;
  /** How many ports the client's system chooses from. */
  readonly ports: number;
  /** Of a lookup, in ms. */
  readonly timeout: number;
}

interface Attack {
  readonly name: string;
  readonly forges: boolean;
  /** The option of each lookup; undefined: the default. */
  readonly confirm: boolean | undefined;
  /** The most poisoned lookups; undefined: for comparison. */
  readonly target: number | undefined;
}

const ATTACKS: readonly Attack[] = [
  { name: "no attack", forges: false, confirm: undefined, target: 0 },
  { name: "confirm: false", forges: true, confirm: false, target: undefined },
  { name: "default options", forges: true, confirm: undefined, target: 0 },
];

/** The hosts, by their numbers. */
const [CLIENT, SERVER, ATTACKER] = [0, 1, 2];
/** The bench is about the client: the server has no limits. */
const NO_LIMITS = { sourceRate: 1e9, sourceBurst: 1e9, nodeRate: 1e9, nodeBurst: 1e9, newRate: 0 };
/** No attack lasts longer than the client's lookups by more than this, whatever happens to this process. In seconds. */
const MAX_MORE = 60;
/** The first port that Linux chooses for a socket, by default. */
const FIRST_PORT = 32_768;
/** In ms. */
const REGISTERED_WITHIN = 10_000;

export async function run(setting: Setting, progress: (text: string) => void): Promise<Row[]> {
  await using lans = await Lans.create(3, 1);
  const command = lans.hosts[SERVER]!.command([]);
  await using server = await Server.start(command, { host: addressOf(0, SERVER), port: DEFAULT_PORT, ...NO_LIMITS });
  const field = new Field(lans, setting);
  await field.register();
  await known(server, setting.lookups);
  const rows: Row[] = [];
  for (const [i, attack] of ATTACKS.entries()) {
    progress(attack.name);
    rows.push(await field.measure(attack, i));
  }
  progress("");
  return rows;
}

/** Waits until the server knows `count` nodes: it counts them from time to time only. */
async function known(server: Server, count: number): Promise<void> {
  for (const end = performance.now() + REGISTERED_WITHIN; ; await Bun.sleep(50)) {
    const { nodes } = await server.stats();
    if (nodes === count) return;
    if (performance.now() > end) throw new Error(`the server knows ${nodes} nodes, not ${count}`);
  }
}

class Field {
  readonly #lans: Lans;
  readonly #setting: Setting;
  readonly #ports: readonly [number, number];
  readonly #task: Pick<Task, "server" | "ip" | "seconds" | "timeout" | "known">;

  constructor(lans: Lans, setting: Setting) {
    this.#lans = lans;
    this.#setting = setting;
    this.#ports = [FIRST_PORT, FIRST_PORT + setting.ports - 1];
    lans.hosts[CLIENT]!.run(`echo ${this.#ports.join(" ")} > /proc/sys/net/ipv4/ip_local_port_range`);
    this.#task = {
      server: `${addressOf(0, SERVER)}:${DEFAULT_PORT}`,
      ip: addressOf(0, CLIENT),
      seconds: setting.seconds,
      timeout: setting.timeout,
      known: numbers(0, setting.lookups),
    };
  }

  /** Announces the known nodes. */
  async register(): Promise<void> {
    await this.#client({ ...this.#task, what: "announce", unknown: [] });
  }

  /** @param number - of the attack: each has unknown nodes of its own */
  async measure({ name, forges, confirm, target }: Attack, number: number): Promise<Row> {
    const unknown = numbers((number + 1) * 100_000, this.#setting.lookups);
    const task = { ...this.#task, what: "look up", unknown, confirm } as const;
    if (!forges) return { name, sent: 0, arrived: 0, result: JSON.parse(await this.#client(task)), target };
    const received = () => this.#lans.packets(CLIENT).received;
    const before = received();
    const attacker = this.#attacker([...task.known, ...unknown]);
    await attacker.begun;
    const result: Result = JSON.parse(await this.#client(task, attacker.forge));
    const { sent, seconds } = await attacker.end();
    return { name, sent: sent / seconds, arrived: (received() - before) / seconds, result, target };
  }

  /** Runs the client. @returns the last line of its output; all lines go to `onLine` */
  async #client(task: Task, onLine: (line: string) => void = () => {}): Promise<string> {
    const child = Bun.spawn(this.#lans.hosts[CLIENT]!.command(program("client.ts", task)), {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    let rest = "";
    let last = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        onLine(line);
        last = line;
      }
    }
    if ((await child.exited) !== 0) throw new Error("the client failed; its error is above");
    return last;
  }

  /** Starts the attacker. `begun` resolves when its first packets are sent, or when it ended too early, which `end` reports. */
  #attacker(nodes: readonly number[]): {
    begun: Promise<unknown>;
    forge(targets: string): void;
    end(): Promise<SprayResult>;
  } {
    const host = this.#lans.hosts[CLIENT]!;
    const spray: Spray = {
      client: addressOf(0, CLIENT),
      clientMac: host.run("ip -br link show eth0").trim().split(/\s+/)[2]!,
      server: addressOf(0, SERVER),
      serverPort: DEFAULT_PORT,
      ports: this.#ports,
      nodes,
      maxSeconds: this.#setting.seconds + MAX_MORE,
    };
    // All hosts share the processors. The client must not have to wait for the attacker.
    const command = ["nice", "-n", "10", ...program("attacker.ts", spray)];
    const message = Promise.withResolvers<void>();
    const child = Bun.spawn(this.#lans.hosts[ATTACKER]!.command(command), {
      ipc: () => message.resolve(),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    return {
      begun: Promise.race([message.promise, child.exited]),
      forge(targets) {
        child.stdin.write(`${targets}\n`);
        child.stdin.flush();
      },
      async end() {
        child.stdin.end();
        const text = await child.stdout.text();
        if ((await child.exited) !== 0) throw new Error("the attacker failed; its error is above");
        return JSON.parse(text);
      },
    };
  }
}

function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** The command that runs a program of this bench with `task` as its argument. */
function program(name: string, task: Task | Spray): string[] {
  return [process.execPath, join(import.meta.dir, name), JSON.stringify(task)];
}
