/**
 * Servers on a kernel without IPv6. A filter for system calls (seccomp) has the kernel refuse IPv6 sockets in this process as if
 * it had no IPv6. `bun without-ipv6.ts TRANSPORT` prints one line of JSON. Linux on x64 or arm64.
 */
import { dlopen, ptr } from "bun:ffi";
import { configure } from "@logtape/logtape";
import { DiscoveryServer, type TransportName } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { announcement, ascii, query } from "../support/packets.ts";

const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
/** The filter holds for all threads. */
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const AF_INET6 = 10;
const EAFNOSUPPORT = 97;
const ARM = process.arch === "arm64";
const CALLS = ARM ? { socket: 198, seccomp: 277 } : { socket: 41, seccomp: 317 };

/* Instructions of classic BPF, 8 bytes each: code, jumps if true and if false, operand. */
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const FAIL_WITH = 0x00050000;
const FILTER: readonly (readonly [code: number, jumpIfTrue: number, jumpIfFalse: number, operand: number])[] = [
  [LOAD_WORD, 0, 0, 0],
  [JUMP_IF_EQUAL, 0, 3, CALLS.socket],
  [LOAD_WORD, 0, 0, 16],
  [JUMP_IF_EQUAL, 0, 1, AF_INET6],
  [RETURN, 0, 0, FAIL_WITH | EAFNOSUPPORT],
  [RETURN, 0, 0, ALLOW],
];

function refuseIpv6(): void {
  const { symbols } = dlopen("libc.so.6", {
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    syscall: { args: ["i64", "u64", "u64", "ptr"], returns: "i64" },
  });
  const instructions = new DataView(new ArrayBuffer(FILTER.length * 8));
  for (const [i, [code, jumpIfTrue, jumpIfFalse, operand]] of FILTER.entries()) {
    instructions.setUint16(i * 8, code, true);
    instructions.setUint8(i * 8 + 2, jumpIfTrue);
    instructions.setUint8(i * 8 + 3, jumpIfFalse);
    instructions.setUint32(i * 8 + 4, operand, true);
  }
  // struct sock_fprog: the number of instructions, and a pointer to them.
  const program = new BigUint64Array([BigInt(FILTER.length), BigInt(ptr(instructions.buffer))]);
  symbols.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (symbols.syscall(CALLS.seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, ptr(program)) !== 0n) {
    throw new Error("the filter was not accepted");
  }
}

const transport = process.argv[2] as TransportName;
const warnings: string[] = [];
await configure({
  sinks: { list: ({ message }) => void warnings.push(message.join("")) },
  loggers: [{ category: [], lowestLevel: "warning", sinks: ["list"] }],
});
refuseIpv6();

const server = await DiscoveryServer.start({ transport, workers: 2, port: 0 });
const client = await Client.open(server.port);
client.send(announcement(ascii("A"), 1));
const reply = await client.ask(query(ascii("A")));
await server.stop();
const asked = await DiscoveryServer.start({ transport, host: "::", port: 0 }).catch((error: Error) => error);

// The command: its processes inherit the filter.
const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
const child = Bun.spawn([process.execPath, main, "server", "--port", "0", "--journal", "memory"], { stdout: "pipe" });
let log = "";
for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
  log += text;
  if (log.includes("listens on udp")) break;
}
child.kill();
await child.exited;

console.log(
  JSON.stringify({
    addresses: server.addresses,
    answered: reply !== undefined,
    warnings,
    command: / listens on udp (\S+):\d+:/.exec(log)?.[1],
    asked: asked instanceof Error ? asked.message : "it listens",
  }),
);
process.exit(0);
