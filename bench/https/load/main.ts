/**
 * The load of `bench:https`, as a program of its own. It takes {@link Task}s over IPC, one after the other, and answers each with a
 * {@link Result}.
 */
import { Connection, type Endpoint } from "./connection.ts";
import { addressesOf, Requests } from "./requests.ts";

export type Task = Fill | Connect | LookUp | Announce | Close;

/** Announces devices 0 to `devices` - 1 as nginx passes announcements on, over plain HTTP. */
interface Fill {
  readonly what: "fill";
  readonly endpoint: Endpoint;
  readonly devices: number;
}

/** Opens connections for look-ups. */
interface Connect {
  readonly what: "connect";
  readonly endpoint: Endpoint;
  readonly connections: number;
}

/** Looks random devices up over the open connections. */
interface LookUp {
  readonly what: "look up";
  readonly seconds: number;
  /** Devices 0 to `known` - 1 are known. */
  readonly known: number;
  /** The fraction of look-ups of devices that are not known. */
  readonly unknown: number;
  /** Whether the requests are those of nginx. */
  readonly proxied: boolean;
}

/** Announces devices from `first` on, each over a connection of its own, with a handshake. */
interface Announce {
  readonly what: "announce";
  readonly endpoint: Endpoint;
  readonly seconds: number;
  readonly first: number;
  /** Connections at a time. */
  readonly connections: number;
}

/** Closes the open connections. */
interface Close {
  readonly what: "close";
}

export interface Result {
  readonly replies: number;
  /** Responses with another status or body than expected. */
  readonly wrong: number;
  /** The first of these. */
  readonly example?: string | undefined;
  readonly seconds: number;
  /** Processor time of this program, in microseconds. */
  readonly cpu: number;
}

/** Connections of {@link Fill}. */
const FILLERS = 32;
/** Devices from this number on are never announced. */
const FIRST_UNKNOWN = 2 ** 31;
const OK = 200;
const NO_CONTENT = 204;
const NOT_FOUND = 404;

const requests = new Requests();
let open: Idle[] = [];

/** Counts the replies of a task. */
class Tally {
  #replies = 0;
  #wrong = 0;
  #example: string | undefined;
  readonly #start = performance.now();
  readonly #cpu = process.cpuUsage();

  count(right: boolean, text: string): void {
    this.#replies++;
    if (right) return;
    this.#wrong++;
    this.#example ??= text;
  }

  result(): Result {
    const { user, system } = process.cpuUsage(this.#cpu);
    const seconds = (performance.now() - this.#start) / 1000;
    return { replies: this.#replies, wrong: this.#wrong, example: this.#example, seconds, cpu: user + system };
  }
}

/** What a connection sends, and which responses are right. */
interface Sender {
  /** The next request; undefined at the end. */
  next(): Uint8Array | undefined;
  right(status: number, text: string): boolean;
}

/** A connection that sends nothing until it gets a sender. */
class Idle {
  #connection!: Connection;
  #sender: Sender | undefined;
  #tally!: Tally;
  #run: PromiseWithResolvers<void> | undefined;

  static async open(endpoint: Endpoint, client?: { cert: string; key: string }): Promise<Idle> {
    const idle = new Idle();
    const onResponse = (status: number, text: string) => {
      idle.#tally.count(idle.#sender!.right(status, text), text);
      const request = idle.#sender!.next();
      if (request === undefined) idle.#run!.resolve();
      return request;
    };
    idle.#connection = await Connection.open(endpoint, onResponse, (error) => idle.#run?.reject(error), client);
    return idle;
  }

  /** Resolves when all is sent and answered. */
  async run(sender: Sender, tally: Tally): Promise<void> {
    this.#sender = sender;
    this.#tally = tally;
    this.#run = Promise.withResolvers();
    const request = sender.next();
    if (request === undefined) return;
    this.#connection.send(request);
    await this.#run.promise;
  }

  close(): void {
    this.#run = undefined;
    this.#connection.close();
  }
}

async function fill({ endpoint, devices }: Fill): Promise<Result> {
  const tally = new Tally();
  let n = 0;
  const sender: Sender = {
    next: () => (n < devices ? requests.announcement(n++, true) : undefined),
    right: (status) => status === NO_CONTENT,
  };
  const connections = await Promise.all(Array.from({ length: FILLERS }, () => Idle.open(endpoint)));
  await Promise.all(connections.map((connection) => connection.run(sender, tally)));
  for (const connection of connections) connection.close();
  return tally.result();
}

async function connect({ endpoint, connections }: Connect): Promise<Result> {
  const tally = new Tally();
  open = await Promise.all(Array.from({ length: connections }, () => Idle.open(endpoint)));
  return tally.result();
}

/** Look-ups by device, as they were made for an earlier task. */
const made = new Map<string, readonly Buffer[]>();

/** Look-ups of `count` devices. */
function lookUpsFrom(first: number, { known: count, proxied }: LookUp): readonly Buffer[] {
  const key = JSON.stringify([first, count, proxied]);
  const lookUps = made.get(key) ?? Array.from({ length: count }, (_, n) => requests.lookUp(first + n, proxied));
  made.set(key, lookUps);
  return lookUps;
}

/** Look-ups of random devices over one connection. */
class LookUps implements Sender {
  readonly #known: readonly Buffer[];
  readonly #unknown: readonly Buffer[];
  readonly #task: LookUp;
  readonly #end: number;
  #asked = false;
  /** The device that was asked for; undefined if it is an unknown one. */
  #device: number | undefined;

  constructor(task: LookUp, end: number) {
    this.#known = lookUpsFrom(0, task);
    this.#unknown = task.unknown === 0 ? [] : lookUpsFrom(FIRST_UNKNOWN, task);
    this.#task = task;
    this.#end = end;
  }

  next(): Uint8Array | undefined {
    // One at least, even if this process got no processor for so long.
    if (this.#asked && performance.now() >= this.#end) return undefined;
    this.#asked = true;
    const device = Math.floor(Math.random() * this.#task.known);
    this.#device = Math.random() < this.#task.unknown ? undefined : device;
    return (this.#device === undefined ? this.#unknown : this.#known)[device];
  }

  right(status: number, text: string): boolean {
    if (this.#device === undefined) return status === NOT_FOUND;
    return status === OK && text.includes(addressesOf(this.#device)[0]!);
  }
}

async function lookUp(task: LookUp): Promise<Result> {
  // Made before the time is taken.
  new LookUps(task, 0);
  const tally = new Tally();
  const end = performance.now() + task.seconds * 1000;
  await Promise.all(open.map((connection) => connection.run(new LookUps(task, end), tally)));
  return tally.result();
}

async function announce({ endpoint, seconds, first, connections }: Announce): Promise<Result> {
  const tally = new Tally();
  const end = performance.now() + seconds * 1000;
  let n = first;
  const inTurn = async () => {
    do {
      const device = n++;
      let sent = false;
      const sender: Sender = {
        next() {
          if (sent) return undefined;
          sent = true;
          return requests.announcement(device, false);
        },
        right: (status) => status === NO_CONTENT,
      };
      const connection = await Idle.open(endpoint, requests.client(device));
      await connection.run(sender, tally);
      connection.close();
    } while (performance.now() < end);
  };
  await Promise.all(Array.from({ length: connections }, inTurn));
  return tally.result();
}

function close(): Result {
  for (const connection of open.splice(0)) connection.close();
  return new Tally().result();
}

async function handle(task: Task): Promise<Result> {
  switch (task.what) {
    case "fill":
      return await fill(task);
    case "connect":
      return await connect(task);
    case "look up":
      return await lookUp(task);
    case "announce":
      return await announce(task);
    case "close":
      return close();
  }
}

process.on("message", async (task: Task) => {
  try {
    process.send!(await handle(task));
  } catch (error) {
    process.send!({ error: `${(error as Error).message} (${task.what})` });
  }
});
process.on("disconnect", () => process.exit(0));
