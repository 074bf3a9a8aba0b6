/** Receives what a service tells systemd: a UNIX datagram socket, which Bun itself does not offer. Linux. */
import { openLibrary } from "../../src/transport/libc.ts";
import { until } from "./time-limits.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;

export class NotifyReceiver implements Disposable {
  /** All lines so far. */
  readonly lines: string[] = [];
  readonly #calls = openLibrary(process, {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  }).symbols;
  readonly #fd: number;
  readonly #timer: Timer;

  /** @param address - a path, or `@` and an abstract name */
  constructor(address: string) {
    const name = new TextEncoder().encode(`\x01\0${address.replace(/^@/, "\0")}`);
    this.#fd = this.#calls.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (this.#calls.bind(this.#fd, name, name.length) !== 0) throw new Error(`cannot bind ${address}`);
    this.#timer = setInterval(() => this.#receive(), 5);
  }

  #receive(): void {
    const bytes = new Uint8Array(4096);
    for (;;) {
      const length = Number(this.#calls.recv(this.#fd, bytes, bytes.length, 0));
      if (length < 0) return;
      this.lines.push(...new TextDecoder().decode(bytes.subarray(0, length)).split("\n"));
    }
  }

  /** Waits until a line has been received `count` times. */
  async has(line: string | RegExp, count = 1): Promise<void> {
    const matches = (one: string) => (typeof line === "string" ? one === line : line.test(one));
    await until(() => this.lines.filter(matches).length >= count, `${line} from the service`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#calls.close(this.#fd);
  }
}
