/**
 * A relay in front of a Redis that gives it another clock: for the command TIME, and for the ids of new entries. Of several
 * relays in front of one Redis each has a clock of its own, so that a test decides which server notices first that it was set.
 */
import { connect, createServer, type Server } from "node:net";
import { until } from "../../support/time-limits.ts";

/** How many characters of replies are kept. */
const PASSED = 100_000;

/** The last id that the relays in front of one Redis have given to an entry. */
type LastId = [ms: number, number: number];

export class ClockRelay implements Disposable {
  /** How far the clock is ahead, in ms. */
  ahead = 0;
  readonly #server: Server;
  /** Connections whose next command, TIME, waits for the clock to be shown again; undefined while it is shown. */
  #hidden: Set<() => void> | undefined;
  /** The last replies of Redis. */
  #passed = "";
  readonly #redis: number;
  readonly #last: LastId;

  private constructor(redis: number, last: LastId) {
    this.#redis = redis;
    this.#last = last;
    this.#server = createServer((client) => {
      const upstream = connect(redis, "127.0.0.1");
      let received: Buffer = Buffer.alloc(0);
      const relay = () => {
        for (let command = parse(received); command; command = parse(received)) {
          if (this.#hidden !== undefined && `${command.words[0]}`.toUpperCase() === "TIME") {
            this.#hidden.add(relay);
            return;
          }
          received = received.subarray(command.length);
          upstream.write(encode(this.#translate(command.words)));
        }
      };
      client.on("data", (bytes: Buffer) => {
        received = Buffer.concat([received, bytes]);
        relay();
      });
      upstream.on("data", (bytes) => {
        this.#passed = (this.#passed + bytes.toString("latin1")).slice(-PASSED);
        client.write(bytes);
      });
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.on("close", () => other.destroy());
        one.on("error", () => other.destroy());
      }
    });
  }

  /** @param redis - the port */
  static async start(redis: number, last: LastId = [0, 0]): Promise<ClockRelay> {
    const relay = new ClockRelay(redis, last);
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  /** Another relay in front of the same Redis. */
  another(): Promise<ClockRelay> {
    return ClockRelay.start(this.#redis, this.#last);
  }

  /** Waits until a reply of Redis with this text was passed on. */
  async untilPassed(text: string): Promise<void> {
    await until(() => this.#passed.includes(text), `a reply with ${text}`);
  }

  /** From now on, TIME gets no reply until {@link show}. */
  hide(): void {
    this.#hidden ??= new Set();
  }

  show(): void {
    const hidden = [...(this.#hidden ?? [])];
    this.#hidden = undefined;
    for (const relay of hidden) relay();
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  #translate(words: readonly Buffer[]): readonly Buffer[] {
    const now = Date.now() + this.ahead;
    switch (`${words[0]}`.toUpperCase()) {
      case "TIME": {
        const [seconds, micros] = [`${Math.floor(now / 1000)}`, `${(now % 1000) * 1000}`];
        return ["EVAL", "return ARGV", "0", seconds, micros].map((word) => Buffer.from(word));
      }
      case "XADD": {
        // As Redis does: never an earlier id than the last one.
        const last = this.#last;
        [last[0], last[1]] = now > last[0] ? [now, 0] : [last[0], last[1] + 1];
        return words.map((word) => (word.length === 1 && word[0] === 0x2a ? Buffer.from(last.join("-")) : word));
      }
      default:
        return words;
    }
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

/** The first command, an array of strings in RESP; undefined if it is not complete yet. */
function parse(bytes: Buffer): { words: Buffer[]; length: number } | undefined {
  let at = 0;
  const number = (): number | undefined => {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const value = Number(bytes.toString("latin1", at + 1, end));
    at = end + 2;
    return value;
  };
  const count = number();
  if (count === undefined) return undefined;
  const words: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const length = number();
    if (length === undefined || at + length + 2 > bytes.length) return undefined;
    words.push(bytes.subarray(at, at + length));
    at += length + 2;
  }
  return { words, length: at };
}

function encode(words: readonly Buffer[]): Buffer {
  const parts = words.flatMap((word) => [Buffer.from(`$${word.length}\r\n`), word, Buffer.from("\r\n")]);
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}
