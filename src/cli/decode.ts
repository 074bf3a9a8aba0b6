/** `whereabouts decode`: prints packets, given in hex or as a capture, as JSON. */
import { isatty } from "node:tty";
import { Command, Option } from "commander";
import { bytesToHex, type Codec, type CodecBackend, createCodec, type DecodeResult, ipToText } from "../codec/index.ts";
import { failOnStreamError, optionErrorText } from "./errors.ts";
import { PacketInputError } from "./packets/hex.ts";
import { PacketReader } from "./packets/reader.ts";
import { standardInput } from "./terminal/input.ts";
import { print } from "./terminal/output.ts";
import { nodeIdJson } from "./terminal/style.ts";
import { flag, isOn, names, whole } from "./values.ts";

const HELP = `
A packet is given as one of:
- hex digits, one packet per argument or line: 1976030900000000, 19:76:03:09, "19 76 03 09" or "0x1976 0x0309". Groups of
  whole bytes may have spaces, tabs or colons between them. An empty argument or line is an empty packet.
- a dump from tcpdump with -x, -xx, -X or -XX, one or more lines per packet, each with its offset: "0x0000:  4500 002c …".
  IPv4, IPv6 and UDP headers are removed, and before them an Ethernet header (also with a VLAN tag) or the one of Linux's
  "any" interface. tcpdump's lines with addresses, and text beside the bytes, are skipped. An empty line ends the dump.
- a dump of the packet alone with such offsets, as xxd prints it.
With "-" or without arguments, packets are read from standard input, and each is printed as soon as it is complete.

Output, one line per packet, in order:
  {"ok":true,"type":"announcement","nodeId":"NODE","nodeIdHex":"4e4f4445","ip":"192.0.2.7","port":22000}
  {"ok":true,"type":"query","nodeId":"NODE","nodeIdHex":"4e4f4445"}
  {"ok":false,"error":"trailing","offset":12}
"nodeId" is null if the bytes of the NodeID are not printable text; "ip" is null if the packet has none. "error" is short,
bad-magic, bad-reserved, bad-id-length, bad-ip-length or trailing; "offset" is the byte at which decoding failed.
With --hex:
  {"ok":true,"type":"announcement","nodeId":"<hex>","port":22000,"ip":"<hex>"}
  {"ok":true,"type":"query","nodeId":"<hex>"}
  {"ok":false,"error":"trailing"}

With --pcap, packets are those of a capture in the format pcap or pcapng, as tcpdump -w, dumpcap and Wireshark write it. It
may be larger than the memory, and each packet is printed as soon as it has arrived. Links may be Ethernet (also with VLAN
tags), Linux's "any" interface, loopback, and IP without a link. Shown are UDP datagrams from or to the --port, and those of
other ports that begin like a packet of the protocol. A line on standard error says which packets were not shown.
  {"frame":3,"time":"2026-11-28T20:18:46.932117Z","source":"192.0.2.7:40312","destination":"192.0.2.1:22025",
   "ok":true,"type":"query","nodeId":"NODE","nodeIdHex":"4e4f4445"}
on one line. "frame" is the number of the packet in the capture, as Wireshark shows it; "time" has the digits of the
capture, and is null if it has no times. "error" may also be truncated, if the capture has only the first bytes of the
packet ("captured" and "length" tell how many), or fragment: fragments of IP packets are not put together.

Exit code 0: all packets were printed, valid or not. 1: reading or writing failed. 2: wrong use, or input that is none of
the above. A wrong argument is reported before any output, a wrong line, or the end of a capture that is damaged or cut
short, after the packets before it.

Examples:
  whereabouts decode 19760309000000044e4f4445 "2012 1025 55f0 0000 0000 0000 0000 0000"
  tcpdump -l -n -x udp port 22025 | whereabouts decode
  whereabouts decode --pcap lookup.pcapng
  tcpdump -U -w - udp port 22025 | whereabouts decode --pcap -`;

/** The ports of the LAN and of servers. */
const PORTS = [21025, 22025];

/** The keys of a packet in the output. */
type Format = (result: DecodeResult) => object;

interface Options {
  readonly codec?: CodecBackend;
  readonly pcap?: string;
  readonly port?: readonly number[];
}

export function decodeCommand(): Command {
  return new Command("decode")
    .description("Decode packets: prints a JSON object for each.")
    .argument("[hex...]", 'packets in hex, or "-" to read them from standard input')
    .addOption(flag("--codec <backend>", "default: ts, which is faster here").choices(["wasm", "ts"]))
    .addOption(flag("--hex", "print NodeIDs and IPs in hex only"))
    .addOption(new Option("--pcap <file>", 'read the capture in this file, or "-" for standard input'))
    .addOption(
      new Option(
        "--port <ports>",
        `with --pcap: UDP ports of the protocol, separated by commas (default: ${PORTS})`,
      ).argParser(ports),
    )
    .addHelpText("after", HELP)
    .action(decode);
}

const port = whole(1, 65535);

function ports(text: string, before: readonly number[] = []): number[] {
  return [...before, ...names(text).map(port)];
}

async function decode(hex: readonly string[], options: Options, command: Command): Promise<void> {
  if (options.pcap !== undefined) {
    if (hex.length > 0) command.error("error: with --pcap, give no packets in hex", { exitCode: 2 });
    if (options.pcap === "-" && isatty(0)) {
      command.error("error: standard input is a terminal: give the name of a file, or redirect one", { exitCode: 2 });
    }
    const format = isOn(command, "hex") ? hexJson : textJson;
    const { pcap: file, port = PORTS } = options;
    const { decodeCapture } = await import("./pcap/decode.ts");
    return decodeCapture({ file, ports: port, codec: load(options.codec ?? "auto", command), format }, command);
  }
  if (options.port !== undefined) command.error("error: --port is for --pcap only", { exitCode: 2 });
  const stdin = hex.length === 0 || hex.includes("-");
  if (stdin && hex.length > 1) command.error('error: "-" must be the only argument', { exitCode: 2 });
  if (hex.length === 0 && isatty(0)) {
    command.error('error: nothing to decode: give packets in hex, or "-" to type them line by line', { exitCode: 2 });
  }
  const format = isOn(command, "hex") ? hexJson : textJson;
  const codec = load(options.codec ?? "auto", command);
  try {
    if (stdin) await decodeLines(codec, format, command);
    else await decodeArguments(codec, format, hex, command);
  } catch (error) {
    failOnStreamError(error, command);
  }
}

function load(backend: CodecBackend | "auto", command: Command): Codec {
  try {
    return createCodec({ backend });
  } catch (error) {
    return command.error(`error: ${optionErrorText(error as Error, command, ["codec"])}`, { exitCode: 1 });
  }
}

async function decodeArguments(codec: Codec, format: Format, hex: readonly string[], command: Command): Promise<void> {
  const packets = hex.flatMap((text, index) => {
    // A quoted argument may hold a dump of several lines.
    const lines = text.split("\n").map(withoutReturn);
    const reader = new PacketReader();
    try {
      return [...lines.flatMap((line) => reader.read(line)), ...reader.end()];
    } catch (error) {
      if (!(error instanceof PacketInputError)) throw error;
      const line = lines.length === 1 ? "" : `, line ${error.line ?? reader.lines},`;
      return command.error(`error: argument ${index + 1}${line} ${error.message}`, { exitCode: 2 });
    }
  });
  await print(formatAll(codec.decodeMany(packets), format));
}

/** Decodes standard input as it arrives. Stops early if nobody reads the output any more. */
async function decodeLines(codec: Codec, format: Format, command: Command): Promise<void> {
  const reader = new PacketReader();
  /** Prints the packets of `read`, also those before a wrong line. */
  const printPackets = async (read: (packets: Uint8Array[]) => void): Promise<boolean> => {
    const packets: Uint8Array[] = [];
    let wrong: PacketInputError | undefined;
    try {
      read(packets);
    } catch (error) {
      if (!(error instanceof PacketInputError)) throw error;
      wrong = error;
    }
    const more = packets.length === 0 || (await print(formatAll(codec.decodeMany(packets), format)));
    if (more && wrong !== undefined) {
      command.error(`error: line ${wrong.line ?? reader.lines} ${wrong.message}`, { exitCode: 2 });
    }
    return more;
  };
  for await (const lines of linesOf(standardInput())) {
    const more = await printPackets((packets) => {
      for (const line of lines) packets.push(...reader.read(line));
    });
    if (!more) return;
  }
  await printPackets((packets) => packets.push(...reader.end()));
}

/** The lines of a stream, as many at a time as have arrived. A line feed at the very end starts no line. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  // In Latin-1 each byte is one character, so a chunk cannot end within a character.
  const decoder = new TextDecoder("latin1");
  let rest: string[] = [];
  for await (const chunk of stream) {
    const text = decoder.decode(chunk);
    const end = text.lastIndexOf("\n");
    if (end === -1) {
      rest.push(text);
      continue;
    }
    yield (rest.join("") + text.slice(0, end)).split("\n").map(withoutReturn);
    rest = [text.slice(end + 1)];
  }
  const last = rest.join("");
  if (last !== "") yield [withoutReturn(last)];
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function formatAll(results: readonly DecodeResult[], format: Format): string {
  return results.map((result) => `${JSON.stringify(format(result))}\n`).join("");
}

function textJson(result: DecodeResult): object {
  if (!result.ok) return { ok: false, error: result.code, offset: result.offset };
  const { packet } = result;
  const names = nodeIdJson(packet.nodeId);
  if (packet.type === "query") return { ok: true, type: "query", ...names };
  return { ok: true, type: "announcement", ...names, ip: ipToText(packet.ip) ?? null, port: packet.port };
}

function hexJson(result: DecodeResult): object {
  if (!result.ok) return { ok: false, error: result.code };
  const { packet } = result;
  const nodeId = bytesToHex(packet.nodeId);
  if (packet.type === "query") return { ok: true, type: "query", nodeId };
  return { ok: true, type: "announcement", nodeId, port: packet.port, ip: bytesToHex(packet.ip) };
}
