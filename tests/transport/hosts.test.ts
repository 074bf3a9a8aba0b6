/** How the sockets of several hosts are opened, and those of local addresses beside a socket for every address. */
import { describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { EVERY_ADDRESS, parseAddress } from "../../src/transport/host.ts";
import { type Binding, openHosts } from "../../src/transport/hosts.ts";
import { localAddresses } from "../../src/transport/local-addresses.ts";
import { LocalSockets } from "../../src/transport/local-sockets.ts";
import { testIf } from "../support/needs.ts";
import { until } from "../support/time-limits.ts";

function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`bind ${code}`), { code });
}

/** A system on which sockets are only pretended. */
class FakeSystem {
  /** `address:port` or `address:port:join` of all sockets that were opened. */
  readonly opened: string[] = [];
  /** Addresses of the sockets that are open. */
  readonly open = new Set<string>();
  readonly #refuse: (address: string, port: number) => string | undefined;
  #free = 40_000;

  /** @param refuse - the error code for a socket, if it cannot be opened */
  constructor(refuse: (address: string, port: number) => string | undefined = () => undefined) {
    this.#refuse = refuse;
  }

  readonly bind = async ({ address, port, reusePort }: Binding) => {
    const bound = port === 0 ? this.#free++ : port;
    const code = this.#refuse(address.text, bound);
    if (code !== undefined) throw systemError(code);
    this.opened.push(`${address.text}:${bound}${reusePort === "join" ? ":join" : ""}`);
    this.open.add(address.text);
    return { port: bound, address, close: () => void this.open.delete(address.text) };
  };

  async listen(...hosts: string[]): Promise<string[]> {
    const sockets = await openHosts({ hosts, port: 0, reusePort: "first" }, this.bind);
    return sockets.map(({ address, port }) => `${address.text}:${port}`);
  }
}

describe("several hosts", () => {
  test("listen on the same port, also where the system had to be asked for another one", async () => {
    const system = new FakeSystem((address, port) =>
      address === "10.0.0.2" && port < 40_003 ? "EADDRINUSE" : undefined,
    );
    expect(await system.listen("10.0.0.1", "10.0.0.2", "::1")).toEqual([
      "10.0.0.1:40003",
      "10.0.0.2:40003",
      "::1:40003",
    ]);
    expect(system.open.size).toBe(3);
  });

  test("are given up if no port is free at all of them, or if one fails: its error names it, and no socket stays open", async () => {
    for (const code of ["EADDRINUSE", "EACCES"]) {
      const system = new FakeSystem((address) => (address === "10.0.0.2" ? code : undefined));
      await expect(system.listen("10.0.0.1", "10.0.0.2")).rejects.toMatchObject({ code, host: "10.0.0.2" });
      expect(system.open.size).toBe(0);
      expect(system.opened).toHaveLength(code === "EADDRINUSE" ? 32 : 1);
    }
    const system = new FakeSystem();
    await expect(system.listen("10.0.0.1", "fe80::1")).rejects.toMatchObject({ code: "EINVAL", host: "fe80::1" });
    expect(system.opened).toEqual([]);
  });

  test("have one socket if they are the same address", async () => {
    const system = new FakeSystem();
    expect(await system.listen("10.0.0.1", "::1", "10.0.0.1", "0:0::1", "::ffff:10.0.0.1")).toEqual([
      "10.0.0.1:40000",
      "::1:40000",
    ]);
  });

  test("open every address first, and the others share its port", async () => {
    const system = new FakeSystem();
    expect(await system.listen("10.0.0.1", "0.0.0.0", "fd00::1", "::")).toEqual([
      "10.0.0.1:40000",
      "0.0.0.0:40000",
      "fd00::1:40000",
      ":::40000",
    ]);
    expect(system.opened).toEqual([":::40000", "0.0.0.0:40000:join", "10.0.0.1:40000:join", "fd00::1:40000:join"]);
    // Every IPv4 address is not every address.
    const ipv4 = new FakeSystem();
    await ipv4.listen("fd00::1", "10.0.0.1", "0.0.0.0");
    expect(ipv4.opened).toEqual(["0.0.0.0:40000", "fd00::1:40000", "10.0.0.1:40000:join"]);
  });
});

describe("without IPv6 in the kernel", () => {
  // Linux: EAFNOSUPPORT if the kernel has none. Other systems have it, but no address.
  for (const code of ["EAFNOSUPPORT", "EADDRNOTAVAIL"]) {
    test(`every address is every IPv4 address, and :: is an error: ${code}`, async () => {
      const system = new FakeSystem((address) => (address.includes(":") ? code : undefined));
      expect(await system.listen(EVERY_ADDRESS)).toEqual(["0.0.0.0:40001"]);
      await expect(system.listen("::")).rejects.toMatchObject({ code, host: "::" });
    });
  }
});

const check = testIf(process.platform === "linux", "needs Linux");

check("the local addresses include those of all running interfaces", async () => {
  const running = Object.values(networkInterfaces()).flatMap((interfaces = []) =>
    interfaces.map(({ address, scopeid }) => (scopeid ? `${address}%${scopeid}` : address)),
  );
  expect(running).toContain("127.0.0.1");
  expect(localAddresses()).toEqual(expect.arrayContaining(running));
});

describe("the sockets of local addresses", () => {
  async function localSockets(hosts: string[], system: FakeSystem) {
    const warnings: string[] = [];
    const sockets = await openHosts({ hosts, port: 1, reusePort: "first" }, system.bind);
    system.opened.length = 0;
    const local = new LocalSockets({ sockets, open: system.bind, warn: (text) => warnings.push(text) });
    await local.look();
    return { local, warnings };
  }

  check("are those that only a socket for every address would receive for", async () => {
    const addresses = localAddresses();
    const ipv4 = addresses.filter((address) => !address.includes(":"));
    const joined = (list: string[]) => list.map((address) => `${address}:1:join`);
    for (const [hosts, expected] of [
      [["::"], addresses],
      [["0.0.0.0"], ipv4],
      [["::ffff:0.0.0.0"], ipv4],
      [["::", "127.0.0.1"], addresses.filter((address) => address !== "127.0.0.1")],
      [["127.0.0.1", "::1"], []],
    ] as [string[], string[]][]) {
      const system = new FakeSystem();
      const { local } = await localSockets(hosts, system);
      expect(system.opened.sort(), hosts.join()).toEqual(joined(expected).sort());
      local.close();
      expect(system.open.size).toBe(hosts.length);
    }
  });

  check("are tried again if they fail, and an error is reported once, unless the address is just gone", async () => {
    const failing = new Map([["127.0.0.1", "EADDRNOTAVAIL"]]);
    const system = new FakeSystem((address) => (address === "::" ? undefined : failing.get(address)));
    const { local, warnings } = await localSockets(["::"], system);
    expect(warnings).toEqual([]);
    for (const address of localAddresses()) failing.set(address, "EACCES");
    const look = async (condition: () => boolean, what: string) => {
      const timer = setInterval(() => void local.look(), 50);
      await until(condition, what);
      clearInterval(timer);
    };
    await look(() => warnings.length > 0, "a warning");
    expect(warnings).toEqual(["cannot bind 127.0.0.1, so replies from it may leave from another address: bind EACCES"]);
    failing.clear();
    await look(() => system.open.has("127.0.0.1"), "the socket");
    expect(warnings).toHaveLength(1);
    local.close();
  });

  check("are closed if they were being opened while the transport closed", async () => {
    const system = new FakeSystem();
    const sockets = await openHosts({ hosts: ["::"], port: 1, reusePort: "first" }, system.bind);
    const opening = Promise.withResolvers<void>();
    const open = async (binding: Binding) => {
      const socket = await system.bind(binding);
      await opening.promise;
      return socket;
    };
    const local = new LocalSockets({ sockets, open });
    const looked = local.look();
    await until(() => system.open.size === 2, "the first of them");
    local.close();
    opening.resolve();
    await looked;
    expect([...system.open]).toEqual([parseAddress("::").text]);
  });
});
