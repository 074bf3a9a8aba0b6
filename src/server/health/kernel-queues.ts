/** What Linux reports of the receive queues of the server's sockets, in /proc/net. */
import { readFile } from "node:fs/promises";

const FILES = ["/proc/net/udp", "/proc/net/udp6"];
/** Columns of a line: local address, lengths of the queues (`tx:rx` in hex), inode, drops. */
const QUEUES = 4;
const INODE = 9;
const DROPS = 12;

export class KernelQueues {
  readonly #inodes: () => readonly number[];
  readonly #files: readonly string[];
  /** The port as the files have it: `:5609 `. */
  readonly #port: string;
  /** The drops of each socket at the last reading. */
  #seen: Map<number, number> | undefined;
  #reading: Promise<void> | undefined;
  #drops: number | undefined;
  #waiting: number | undefined;

  /** @param inodes - returns the inode numbers of the server's sockets; @param files - given by tests */
  constructor(port: number, inodes: () => readonly number[], files: readonly string[] = FILES) {
    this.#inodes = inodes;
    this.#files = files;
    this.#port = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  }

  /** Datagrams dropped since the first reading because a receive buffer was full; undefined where Linux does not tell. */
  get drops(): number | undefined {
    return this.#drops;
  }

  /** Bytes that waited in the receive buffers at the last reading. */
  get waiting(): number | undefined {
    return this.#waiting;
  }

  /**
   * Reads the files; does nothing while an earlier reading has not ended. With thousands of sockets on the host, Linux takes
   * tens of milliseconds to write the files: that is why another thread reads them. Never rejects.
   */
  read(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const texts = await Promise.all(this.#files.map((file) => readFile(file, "latin1").catch(() => "")));
    const own = new Set(this.#inodes());
    const waiting = new Map<number, number>();
    const drops = new Map<number, number>();
    for (const fields of texts.flatMap((text) => [...this.#linesOf(text)])) {
      const inode = Number(fields[INODE]);
      if (!own.has(inode)) continue;
      waiting.set(inode, Number.parseInt(fields[QUEUES]!.split(":")[1]!, 16));
      drops.set(inode, Number(fields[DROPS]));
    }
    this.#count(drops);
    this.#waiting = drops.size === 0 ? undefined : [...waiting.values()].reduce((a, b) => a + b);
  }

  #count(drops: ReadonlyMap<number, number>): void {
    if (drops.size === 0) return;
    this.#drops ??= 0;
    // A socket that was passed to the server may have dropped datagrams before the first reading.
    const first = this.#seen === undefined;
    this.#seen ??= new Map();
    const seen = this.#seen;
    for (const [inode, count] of drops) {
      // The kernel's counter has 32 bits.
      if (!first) this.#drops += (count - (seen.get(inode) ?? 0)) >>> 0;
      seen.set(inode, count);
    }
  }

  /** The fields of the lines that contain the port. So the other lines, perhaps thousands, cost next to nothing. */
  *#linesOf(text: string): Generator<string[]> {
    for (let at = text.indexOf(this.#port); at >= 0; at = text.indexOf(this.#port, at)) {
      const end = text.indexOf("\n", at);
      yield text
        .slice(text.lastIndexOf("\n", at) + 1, end < 0 ? text.length : end)
        .trim()
        .split(/\s+/);
      if (end < 0) return;
      at = end;
    }
  }
}
