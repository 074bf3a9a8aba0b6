/** Sends the state of this process to systemd (sd_notify), over the socket that NOTIFY_SOCKET names. */
import { openLibrary, SOCK_CLOEXEC, SOCK_DGRAM } from "../../transport/libc.ts";

const AF_UNIX = 1;
/** systemd is gone if nobody reads; this process must not wait for it, or get SIGPIPE. */
const MSG_DONTWAIT_NOSIGNAL = 0x4040;
/** Size of `sun_path`. */
const MAX_PATH = 108;

export class NotifySocket {
  readonly #send: (bytes: Uint8Array) => number;

  /** @throws {Error} if the address is no path and no abstract name (`@name`), or the socket cannot be opened */
  constructor(address: string) {
    const path = new TextEncoder().encode(address);
    if (!/^[/@]/.test(address) || path.length >= MAX_PATH) throw new Error(`the address ${address} is not supported`);
    // An abstract name begins with a zero byte.
    if (address.startsWith("@")) path[0] = 0;
    const name = new Uint8Array(2 + path.length);
    new DataView(name.buffer).setUint16(0, AF_UNIX, true);
    name.set(path, 2);
    const { symbols } = openLibrary(process, {
      socket: { args: ["i32", "i32", "i32"], returns: "i32" },
      sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
    });
    const fd = symbols.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new Error("no socket could be opened");
    this.#send = (bytes) => Number(symbols.sendto(fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL, name, name.length));
  }

  /** @returns whether it was sent */
  send(...assignments: readonly string[]): boolean {
    return this.#send(new TextEncoder().encode(assignments.join("\n"))) >= 0;
  }
}
