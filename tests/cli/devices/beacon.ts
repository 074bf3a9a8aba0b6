/** Devices of Syncthing on a simulated LAN: their packets, and a program that sends them. */
import { formatDeviceId } from "../../../src/syncthing/device-id.ts";
import type { Host } from "../../support/netns.ts";

/** Local discovery v4, as Syncthing 1.19 sends it. */
const MAGIC = 0x2ea7d90b;
const PORT = 21027;

/** Sends each line of its input, which is in hexadecimal, to the broadcast address of its argument. */
const PROGRAM = `
const socket = require("node:dgram").createSocket("udp4");
socket.bind(0, () => {
  socket.setBroadcast(true);
  require("node:readline").createInterface({ input: process.stdin })
    .on("line", (line) => socket.send(Buffer.from(line, "hex"), ${PORT}, process.argv[1]))
    .on("close", () => socket.close());
});`;

/** A device that announces itself when a test says so. */
export class TestDevice implements AsyncDisposable {
  readonly deviceId: string;
  readonly #id: Uint8Array;
  readonly #child: Bun.Subprocess<"pipe", "ignore", "inherit">;

  /** @param fill - of its device ID, each byte */
  constructor(host: Host, broadcast: string, fill: number) {
    this.#id = new Uint8Array(32).fill(fill);
    this.deviceId = formatDeviceId(this.#id);
    this.#child = Bun.spawn(host.command([process.execPath, "-e", PROGRAM, broadcast]), {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "inherit",
    });
  }

  announce(addresses: readonly string[], instance = 1): void {
    const fields = [field(1, this.#id), ...addresses.map((address) => field(2, Buffer.from(address)))];
    const packet = Buffer.concat([Buffer.alloc(4), ...fields, Uint8Array.of((3 << 3) | 0, instance)]);
    packet.writeUInt32BE(MAGIC);
    this.#child.stdin.write(`${packet.toString("hex")}\n`);
    void this.#child.stdin.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
  }
}

/** A field of protobuf with bytes, of which there are less than 128. */
function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of((number << 3) | 2, bytes.length), bytes]);
}
