/** Servers that share a journal, with a client for each. */

import { DiscoveryServer, type ServerOptions } from "../../src/server/index.ts";
import { Client } from "./client.ts";
import { announcement, ascii, query } from "./packets.ts";
import { until } from "./time-limits.ts";

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);

export class Member implements AsyncDisposable {
  readonly server: DiscoveryServer;
  readonly client: Client;

  private constructor(server: DiscoveryServer, client: Client) {
    this.server = server;
    this.client = client;
  }

  static async start(journal: string, options: Partial<ServerOptions> = {}): Promise<Member> {
    const server = await DiscoveryServer.start({
      host: "127.0.0.1",
      port: 0,
      capacity: 200_000,
      sourceRate: 0,
      nodeRate: 0,
      newRate: 0,
      journal,
      ...options,
    });
    return new Member(server, await Client.open(server.port));
  }

  /** Announces nodes, no faster than the server handles the packets. */
  async announce(names: readonly string[], port = 22000): Promise<void> {
    const before = this.server.stats().received;
    for (const [i, name] of names.entries()) {
      this.client.send(announcement(ascii(name), port));
      if (i % 64 === 63) await until(() => this.server.stats().received > before + i, "announcements");
    }
    await until(() => this.server.stats().received >= before + names.length, "the announcements");
  }

  /** The port in this server's answer for a node, or undefined if there is no answer. */
  async port(name: string, timeout = 2000): Promise<number | undefined> {
    this.client.send(query(ascii(name)));
    for (const end = performance.now() + timeout; ; ) {
      const reply = await this.client.receive(end - performance.now());
      if (reply === undefined) return undefined;
      const port = new DataView(reply.buffer).getUint16(4);
      if (Bun.deepEquals(reply, announcement(ascii(name), port, LOOPBACK))) return port;
      // Otherwise it is a late answer to an earlier query.
    }
  }

  async ports(names: readonly string[]): Promise<(number | undefined)[]> {
    const ports: (number | undefined)[] = [];
    for (const name of names) ports.push(await this.port(name));
    return ports;
  }

  /** The number of nodes that this server does not answer for. */
  async missing(names: readonly string[]): Promise<number> {
    const answered = new Set<string>();
    for (let i = 0; i < names.length; i += 64) {
      const some = names.slice(i, i + 64);
      for (const name of some) this.client.send(query(ascii(name)));
      const end = performance.now() + 500;
      // Includes late answers to earlier queries.
      while (some.some((name) => !answered.has(name)) && performance.now() < end) {
        for (const reply of this.client.replies.splice(0)) {
          const length = new DataView(reply.buffer).getUint32(8);
          answered.add(new TextDecoder().decode(reply.subarray(12, 12 + length)));
        }
        await Bun.sleep(1);
      }
    }
    return names.filter((name) => !answered.has(name)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server.stop();
  }
}
