/**
 * Honest clients, as a program. The first argument is an {@link HonestTask} as JSON. It announces nodes and a device, prints a line,
 * looks them up when its standard input ends, and prints an {@link HonestResult} as JSON.
 */
import { HonestClient, type Lookup } from "../../abuse/client.ts";
import { Connection } from "../load/connection.ts";
import { Requests } from "../load/requests.ts";

export interface HonestTask {
  readonly httpsPort: number;
  /** Undefined: there is no UDP. */
  readonly udpPort: number | undefined;
  readonly seconds: number;
}

/** Look-ups of one kind. */
export interface Service {
  readonly asked: number;
  /** Milliseconds of each one that was answered. */
  readonly ms: readonly number[];
}

export interface HonestResult {
  readonly udp: Service | undefined;
  /** Each over a connection of its own, with a handshake, as a Syncthing's that looks a device up now and then. */
  readonly https: Service;
}

const SERVER = "127.0.0.1";
const UDP_ADDRESS = "127.20.0.1";
const HTTPS_ADDRESS = "127.20.1.1";
const UDP_EVERY_MS = 20;
const HTTPS_EVERY_MS = 200;
/** Each is asked for once a second, so a reply belongs to one query. */
const NODES = 1_000 / UDP_EVERY_MS;
/** How long a response is waited for. */
const HTTPS_LIMIT_MS = 5_000;
const OK = 200;
const NO_CONTENT = 204;

const task: HonestTask = JSON.parse(process.argv[2]!);
const requests = new Requests();

/** Sends a request over a connection of its own. @returns the status; undefined if there was no response in time */
async function once(request: Uint8Array, client?: { cert: string; key: string }): Promise<number | undefined> {
  const answer = Promise.withResolvers<number | undefined>();
  const timer = setTimeout(() => answer.resolve(undefined), HTTPS_LIMIT_MS);
  const onResponse = (status: number) => {
    answer.resolve(status);
    return undefined;
  };
  const none = () => answer.resolve(undefined);
  const endpoint = { port: task.httpsPort, tls: true, from: HTTPS_ADDRESS };
  const opening = Connection.open(endpoint, onResponse, none, client);
  opening.then((connection) => connection.send(request), none);
  const status = await answer.promise;
  clearTimeout(timer);
  opening.then((connection) => connection.close(), none);
  return status;
}

async function lookUpDevice(): Promise<number | undefined> {
  const start = performance.now();
  const status = await once(requests.lookUp(0, false));
  return status === OK ? performance.now() - start : undefined;
}

function answeredAfter({ ip, ms }: Lookup): number | undefined {
  return ip === undefined ? undefined : ms;
}

/** Starts `ask` every `everyMs`, whether the ones before are answered or not. */
async function regularly(everyMs: number, ask: (n: number) => Promise<number | undefined>): Promise<Service> {
  const asked: Promise<number | undefined>[] = [];
  const start = performance.now();
  for (let n = 0; n * everyMs < task.seconds * 1000; n++) {
    await Bun.sleep(Math.max(0, start + n * everyMs - performance.now()));
    asked.push(ask(n));
  }
  const ms = await Promise.all(asked);
  return { asked: ms.length, ms: ms.filter((each) => each !== undefined) };
}

const status = await once(requests.announcement(0, false), requests.client(0));
if (status !== NO_CONTENT) throw new Error(`the device could not be announced: status ${status}`);
const udp = task.udpPort === undefined ? undefined : await HonestClient.open(UDP_ADDRESS, SERVER, task.udpPort);
for (let n = 0; n < NODES; n++) udp?.announce(n);
console.log("announced");
await Bun.stdin.text();
const [queries, https] = await Promise.all([
  udp && regularly(UDP_EVERY_MS, async (n) => answeredAfter(await udp.lookUp(n % NODES, true))),
  regularly(HTTPS_EVERY_MS, lookUpDevice),
]);
const result: HonestResult = { udp: queries, https };
console.log(JSON.stringify(result));
process.exit(0);
