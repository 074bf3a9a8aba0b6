/**
 * Clients that burden an admin server while `probe.ts` measures it: `bun clients.ts JSON`, see ClientsRequest. Prints a line when all are
 * connected, and runs until it is killed.
 */
export interface ClientsRequest {
  readonly url: string;
  /** Streams of events that are opened. A stream that is refused is asked for again after a second. */
  readonly streams: number;
  /** Whether there are hostile clients, too. */
  readonly hostile: boolean;
}

const HALF_REQUESTS = 200;
const STALLED_STREAMS = 20;
const FLOODS = 8;
const HUGE_EVERY_MS = 250;
const HUGE = `GET / HTTP/1.1\r\nHost: localhost\r\nx: ${"x".repeat(1 << 20)}\r\n\r\n`;
const EVENTS = "GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n";

const { url, streams, hostile }: ClientsRequest = JSON.parse(process.argv[2]!);
const { hostname, port } = new URL(url);

/** @param onData - what becomes of the server's bytes; undefined: they are not read */
async function connect(text: string, onData?: () => void, onClose?: () => void): Promise<void> {
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: { data: () => onData?.(), close: () => onClose?.(), error() {}, connectError() {} },
  });
  if (onData === undefined) socket.pause();
  socket.write(text);
}

/** Opens it again whenever the server closes it. */
async function hold(text: string, onData?: () => void): Promise<void> {
  await connect(text, onData, () => setTimeout(() => hold(text, onData), 1000)).catch(() => {});
}

async function stream(): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(`${url}api/events`);
      if (response.ok) for await (const _ of response.body!);
      else await response.arrayBuffer();
    } catch {}
    await Bun.sleep(1000);
  }
}

async function flood(): Promise<void> {
  for (;;) {
    try {
      await (await fetch(`${url}metrics`)).arrayBuffer();
    } catch {
      await Bun.sleep(10);
    }
  }
}

for (let i = 0; i < streams; i++) void stream();
if (hostile) {
  for (let i = 0; i < HALF_REQUESTS; i++) await hold("GET / HTTP/1.1\r\nHost: local", () => {});
  for (let i = 0; i < STALLED_STREAMS; i++) await hold(EVENTS);
  for (let i = 0; i < FLOODS; i++) void flood();
  setInterval(() => connect(HUGE, () => {}).catch(() => {}), HUGE_EVERY_MS);
}
await Bun.sleep(200);
console.log("connected");
setInterval(() => {}, 1e9);
