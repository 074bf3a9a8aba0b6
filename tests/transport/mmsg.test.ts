/**
 * The mmsg transport: its own behavior, and where it cannot run. transport.test.ts tests what all transports have in
 * common.
 */
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { closeSync, fstatSync, openSync } from "node:fs";
import { SLOT_REPLY_LENGTH, SLOT_SIZE } from "../../assembly/layout.ts";
import { EngineControl, Lane } from "../../src/engine/index.ts";
import { parseAddress } from "../../src/transport/host.ts";
import { EAGAIN, EINTR, type Libc, MSG_CTRUNC, openLibc, type Platform } from "../../src/transport/libc.ts";
import { openMmsg } from "../../src/transport/mmsg.ts";
import { SocketLane } from "../../src/transport/mmsg-lane.ts";
import { type BoundSocket, bindSocket, DEFAULT_RECEIVE_BUFFER } from "../../src/transport/socket.ts";
import { createSocketRecord, SocketEntry } from "../../src/transport/socket-record.ts";
import { Client } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { hasNetns, NEEDS_NETNS, twoHosts } from "../support/netns.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";
import { engineMemory, type Kind, Running } from "./transports.ts";

const linux = process.platform === "linux";
const check = testIf(linux, "needs Linux");

const ENOBUFS = 105;
const EINVAL = 22;
const EADDRNOTAVAIL = 99;
const ENETUNREACH = 101;
const EHOSTUNREACH = 113;
const EBADF = 9;

/** The receive buffer that the system grants. */
async function granted(): Promise<number> {
  if (!linux) return 0;
  const socket = bindSocket({ address: parseAddress("127.0.0.1"), port: 0, receiveBuffer: DEFAULT_RECEIVE_BUFFER });
  socket.close();
  return socket.receiveBuffer;
}

testIf((await granted()) >= DEFAULT_RECEIVE_BUFFER, "needs net.core.rmem_max of 8 MB, or root")(
  "a busy server loses nothing of a burst of 10,000 datagrams",
  async () => {
    for (const kind of ["mmsg", "udp"] as const) {
      await using server = await Running.open(kind, { fault: "sleep in the first batch" });
      expect(server.receiveBuffer).toBeGreaterThanOrEqual(DEFAULT_RECEIVE_BUFFER);
      await using client = await Client.open(server.port);
      client.send(announcement(ascii("A"), 1));
      // Usually the first batch is this packet alone. If not, all packets wait in the receive buffer while it sleeps.
      await Bun.sleep(50);
      for (let i = 0; i < 10_000; i++) client.send(query(ascii("B")));
      client.send(query(ascii("A")));
      expect(await client.receive(10_000)).toBeDefined();
      expect(server.counters()).toMatchObject({ received: 10_002, verdicts: { unknown: 10_000 } });
    }
  },
);

check("a receive buffer smaller than the default is granted and reported", async () => {
  for (const kind of ["mmsg", "udp"] as const) {
    await using server = await Running.open(kind, { receiveBuffer: 65_536 });
    expect(server.receiveBuffer).toBe(65_536);
  }
});

check("a reply that cannot be sent is skipped and counted, and the replies after it are sent", async () => {
  for (const host of ["127.0.0.1", "::"]) {
    await using server = await Running.open("mmsg", { hosts: [host], fault: "spoil every third source" });
    await using client = await Client.open(server.port);
    client.send(announcement(ascii("A"), 1));
    await until(() => server.counters().received === 1, "the announcement");
    for (let asked = 100; asked <= 1000; asked += 100) {
      for (let i = 0; i < 100; i++) client.send(query(ascii("A")));
      // One source in three is spoiled in a full batch, more in shorter ones.
      await until(() => client.replies.length + server.counters().unsent === asked, "the replies");
    }
    const { unsent, socketErrors, verdicts } = server.counters();
    expect(verdicts.answered).toBe(1000);
    expect(unsent).toBeGreaterThanOrEqual(333);
    expect(socketErrors).toBe(unsent);
    // At least one batch had more than one packet, so some replies were sent.
    expect(client.replies.length).toBeGreaterThan(0);
  }
});

describe("when a system call fails", () => {
  const RECVMMSG = 1;

  /** @param script - the results of the system calls in order: a count, or a negative errno */
  function scripted(script: number[], reportsAddresses = false, kernel?: (call: number, at: number) => number) {
    const memory = engineMemory();
    const slots = new Lane(memory, 0);
    const sends: number[] = [];
    let errno = 0;
    const libc = {
      recvmmsg: RECVMMSG,
      sendmmsg: 2,
      errno: () => errno,
      call: {
        syscall(number: number, _fd: number, datagrams: number, count: number) {
          sends.push(count);
          const result = kernel?.(number, datagrams) ?? script.shift() ?? count;
          if (result >= 0) return result;
          errno = -result;
          return -1;
        },
      },
    };
    const socket: BoundSocket = {
      fd: 3,
      port: 1,
      address: parseAddress("::"),
      ipv4: false,
      reportsAddresses,
      receiveBuffer: 1,
      entry: new SocketEntry(),
      given: false,
      close() {},
    };
    const lane = new SocketLane(libc as unknown as Libc, socket, slots);
    return { lane, slots, control: new EngineControl(memory), sends };
  }

  function fillReplies(slots: Lane, count: number): void {
    const words = new Uint32Array(slots.bytes.buffer);
    for (let slot = 0; slot < count; slot++) {
      words[(slots.at + slot * SLOT_SIZE + SLOT_REPLY_LENGTH) >>> 2] = slot % 2 === 0 ? 72 : 0;
    }
  }

  check("a batch that the kernel accepts in parts is sent in parts", async () => {
    const { lane, slots, control, sends } = scripted([10, -EINTR, 20]);
    fillReplies(slots, 64);
    lane.reply(64);
    expect(sends).toEqual([32, 22, 22, 2]);
    expect(control.counters()).toMatchObject({ unsent: 0, socketErrors: 0 });
  });

  check("an error of one destination drops only its own reply", async () => {
    const { lane, slots, control, sends } = scripted([5, -EHOSTUNREACH, -ENOBUFS, 3]);
    fillReplies(slots, 20);
    lane.reply(20);
    expect(sends).toEqual([10, 5, 4, 3]);
    expect(control.counters()).toMatchObject({ unsent: 2, socketErrors: 2 });
  });

  check("a full send buffer drops the rest of the batch without waiting", async () => {
    const { lane, slots, control, sends } = scripted([5, -EAGAIN]);
    fillReplies(slots, 20);
    lane.reply(20);
    expect(sends).toEqual([10, 5]);
    expect(control.counters()).toMatchObject({ unsent: 5, socketErrors: 0 });
  });

  check("receiving goes on after no data, an interruption or a network error", async () => {
    const { lane, control } = scripted([-EAGAIN, -EINTR, -EHOSTUNREACH, 7]);
    expect([lane.receive(true), lane.receive(true), lane.receive(true), lane.receive(true)]).toEqual([0, 0, 0, 7]);
    expect(control.counters().socketErrors).toBe(1);
  });

  describe("the source of a reply", () => {
    const SOL_IPV6 = 41;
    const IPV6_PKTINFO = 50;
    const mapped = (...ipv4: number[]) => [...new Array(10).fill(0), 0xff, 0xff, ...ipv4];

    /** Has the kernel report that a datagram came in on interface 7 for `address`, then sends its reply. */
    function replyTo(address: number[], { size = 40, flags = 0, errno = 0 } = {}) {
      const control = new Uint8Array(40);
      new Uint32Array(control.buffer).set([36, 0, SOL_IPV6, IPV6_PKTINFO, 0, 0, 0, 0, 7]);
      control.set(address, 16);
      const sent: (Uint8Array | undefined)[] = [];
      const {
        lane,
        slots,
        control: counters,
      } = scripted([1], true, (call, at) => {
        const [headers, controlOf] = controlData(at);
        if (call === RECVMMSG) {
          controlOf().set(control);
          headers[10] = size;
          headers[12] = flags;
          return 1;
        }
        sent.push(headers[10] === 0 ? undefined : controlOf().slice(0, headers[10]));
        return errno !== 0 && headers[10] !== 0 ? -errno : 1;
      });
      expect(lane.receive(true)).toBe(1);
      fillReplies(slots, 1);
      lane.reply(1);
      const { unsent, socketErrors } = counters.counters();
      return { sent, unsent, socketErrors };
    }

    /** The first header of a call, and the bytes that its control data has. */
    function controlData(at: number): [Int32Array, () => Uint8Array] {
      const headers = new Int32Array(toArrayBuffer(at as Pointer, 0, 64));
      const pointer = () => Number(new BigUint64Array(headers.buffer, 32, 1)[0]);
      return [headers, () => new Uint8Array(toArrayBuffer(pointer() as Pointer, 0, 40))];
    }

    const interfaceOf = (control: Uint8Array | undefined) => control?.[32];
    const addressOf = (control: Uint8Array | undefined) => [...(control?.subarray(16, 32) ?? [])];

    check("is the address that was asked, with the interface only if it is link-local", async () => {
      for (const [address, index] of [
        [[0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0],
        [[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 7],
        [[0xfe, 0xbf, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 7],
        [[0xfe, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0],
        [mapped(10, 9, 0, 1), 0],
      ] as const) {
        const { sent } = replyTo([...address]);
        expect(sent).toHaveLength(1);
        // Without the padding.
        expect(sent[0]).toHaveLength(36);
        expect(addressOf(sent[0])).toEqual([...address]);
        expect(interfaceOf(sent[0])).toBe(index);
      }
    });

    check("is left to the kernel after a multicast or broadcast, or if the kernel did not report it", async () => {
      const address = mapped(10, 9, 0, 1);
      for (const [to, report] of [
        [[0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], {}],
        [mapped(224, 0, 0, 1), {}],
        [mapped(255, 255, 255, 255), {}],
        [address, { size: 0 }],
        [address, { flags: MSG_CTRUNC }],
      ] as const) {
        expect(replyTo([...to], report)).toEqual({ sent: [undefined], unsent: 0, socketErrors: 0 });
      }
    });

    check("is left to the kernel if it refuses the address", async () => {
      for (const errno of [EINVAL, EADDRNOTAVAIL, ENETUNREACH]) {
        const { sent, unsent, socketErrors } = replyTo(mapped(10, 9, 0, 255), { errno });
        expect(sent).toEqual([expect.any(Uint8Array), undefined]);
        expect([unsent, socketErrors]).toEqual([0, 0]);
      }
    });
  });

  check("the transport ends with the system's error after 64 failed receives in a row", async () => {
    const { lane, control } = scripted(new Array(1000).fill(-EBADF));
    let received = 0;
    const receive = () => {
      for (; received < 100; received++) lane.receive(true);
    };
    expect(receive).toThrow("recvmmsg EBADF");
    expect(received).toBe(63);
    expect(control.counters().socketErrors).toBe(64);
  });
});

check("the transport ends with the system's error when its socket is closed by other code", async () => {
  await using server = await Running.open("mmsg", { fault: "close the socket" });
  await using client = await Client.open(server.port);
  client.send(query(ascii("A")));
  expect(await server.ended).toBe("recvmmsg EBADF");
});

check("closing twice does not close the descriptor again, which may belong to another file", async () => {
  const slots = new Lane(engineMemory(), 0);
  const socketRecord = createSocketRecord();
  const transport = await openMmsg({
    hosts: ["127.0.0.1"],
    port: 0,
    socketRecord,
    slots,
    processBatch: () => 0,
    shouldStop: () => false,
    onEnd: () => {},
  });
  const fd = socketRecord[0]! - 1;
  transport.close();
  // The kernel hands out the lowest free descriptor, and lower ones may be free.
  const files: number[] = [];
  do files.push(openSync("/dev/null", "r"));
  while (files.at(-1)! < fd);
  try {
    expect(files).toContain(fd);
    transport.close();
    await Bun.sleep(20);
    for (const file of files) expect(fstatSync(file).isCharacterDevice()).toBe(true);
  } finally {
    for (const file of files) closeSync(file);
  }
});

check(
  "handling packets allocates nothing, in batches of any size",
  async () => {
    const cellsPerPacket = async (fault?: "allocate per packet") => {
      await using server = await Running.open("mmsg", { fault });
      await using client = await Client.open(server.port);
      client.send(announcement(ascii("A"), 1));
      const burst = async (size: number) => {
        for (let i = 0; i < size; i++) client.send(query(ascii("A")));
        for (let i = 0; i < size; i++) expect(await client.receive()).toBeDefined();
      };
      // Warm-up: what the JIT compilers allocate does not count.
      for (let i = 0; i < 100; i++) await burst(100);
      for (let tries = 0; tries < 10; tries++) {
        await server.heap();
        const base = await server.heap();
        for (let i = 0; i < 30; i++) await burst(100);
        for (let i = 0; i < 300; i++) await burst(1);
        const { cells, packets, uncollected } = await server.heap();
        expect(packets).toBe(3300);
        if (base.uncollected && uncollected) return (cells - base.cells) / packets;
      }
      throw new Error("a garbage collection ran during every try");
    };
    expect(await cellsPerPacket()).toBeLessThan(0.02);
    expect(await cellsPerPacket("allocate per packet")).toBeGreaterThan(0.9);
  },
  TEST_LIMIT_MS,
);

describe("where mmsg and xdp cannot run, the error is one line that recommends udp", () => {
  for (const [why, platform] of [
    ["this is darwin on arm64", { platform: "darwin", arch: "arm64" }],
    ["this is linux on riscv64", { platform: "linux", arch: "riscv64" }],
    ["bun:ffi cannot load the C library", { platform: "linux", arch: "x64", libraries: ["no-such-libc.so"] }],
  ] as [string, Platform][]) {
    test(why, () => {
      try {
        openLibc(platform);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        expect(code).toBe("ENOTSUP");
        expect(message).toStartWith(`transports mmsg and xdp cannot run here: ${why}`);
        expect(message).toEndWith("use --transport udp");
        expect(message).not.toContain("\n");
        return;
      }
      throw new Error("openLibc did not throw");
    });
  }
});

/** Starts a transport in a network namespace with server-in-namespace.ts. */
async function serve(command: (command: string[]) => string[], kind: Kind, host: string) {
  const script = new URL("./server-in-namespace.ts", import.meta.url).pathname;
  const server = Bun.spawn(command([process.execPath, script, "serve", kind, host]), {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  let port = "";
  for await (const chunk of server.stdout.pipeThrough(new TextDecoderStream())) {
    port += chunk;
    if (port.endsWith("\n")) break;
  }
  return {
    port: port.trim(),
    async [Symbol.asyncDispose]() {
      server.stdin.end();
      await server.exited;
    },
  };
}

/** Announces and queries a node from a network namespace. @returns the reply in hex */
function ask(
  command: (command: string[]) => string[],
  from: string,
  to: string,
  port: string,
  nodeId = "NODE",
): string {
  const script = new URL("./client-in-namespace.ts", import.meta.url).pathname;
  return Bun.spawnSync(command([process.execPath, script, "ask", from, to, port, nodeId]), { stderr: "inherit" })
    .stdout.toString()
    .trim();
}

testIf(hasNetns, NEEDS_NETNS)(
  "a reply to a link-local address leaves through the interface that the query came in on",
  async () => {
    await using hosts = await twoHosts();
    // A second link. Its link-local network looks the same to the routing table.
    hosts.a.cable("a1", hosts.b, "b1");
    hosts.a.run("ip link set a1 up");
    hosts.b.run("ip link set b1 up");
    await Promise.all([hosts.a.linked("a1"), hosts.b.linked("b1")]);
    const linkLocal = (host: typeof hosts.a, name: string) =>
      /fe80::[0-9a-f:]+/.exec(host.run(`ip -6 addr show dev ${name}`))![0];
    const [onA, onB] = [
      (command: string[]) => hosts.a.command(command),
      (command: string[]) => hosts.b.command(command),
    ];
    // An announcement from a link-local address is not stored, so the reply has the address that was known before.
    const known = announcement(ascii("KNOWN"), 4712, Uint8Array.of(192, 0, 2, 7)).toHex();
    for (const kind of ["mmsg", "udp"] as const) {
      await using everywhere = await serve(onA, kind, "::");
      for (const cable of [0, 1]) {
        const to = `${linkLocal(hosts.a, `a${cable}`)}%b${cable}`;
        expect(ask(onB, "::", to, everywhere.port, "KNOWN")).toBe(known);
      }
      expect(ask(onB, "0.0.0.0", "10.9.0.1", everywhere.port)).toBe(
        announcement(ascii("NODE"), 4711, Uint8Array.of(10, 9, 0, 2)).toHex(),
      );
      await using there = await serve(onA, kind, `${linkLocal(hosts.a, "a1")}%a1`);
      expect(ask(onB, "::", `${linkLocal(hosts.a, "a1")}%b1`, there.port, "KNOWN")).toBe(known);
    }
  },
  TEST_LIMIT_MS,
);

testIf(hasNetns, NEEDS_NETNS)(
  "IPv4 is served on a host without IPv6, also with the host ::",
  async () => {
    await using hosts = await twoHosts({ ipv6: false });
    for (const host of ["0.0.0.0", "10.9.0.1", "::"]) {
      await using server = await serve((command) => hosts.a.command(command), "mmsg", host);
      expect(ask((command) => hosts.b.command(command), "0.0.0.0", "10.9.0.1", server.port)).toBe(
        announcement(ascii("NODE"), 4711, Uint8Array.of(10, 9, 0, 2)).toHex(),
      );
    }
  },
  TEST_LIMIT_MS,
);
