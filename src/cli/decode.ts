/** `whereabouts decode`: packets in hex, from the command line or standard input, to JSON. */
import { isatty } from "node:tty";
import { Command } from "commander";
import { type Codec, type CodecBackend, createCodec, type DecodeResult } from "../codec/index.ts";
import { flag } from "./values.ts";

const HELP = `
One packet an argument or, with "-" or without arguments, one packet a line of standard input. An empty argument or line
is an empty datagram. Prints a line for each packet, in order:
  {"ok":true,"type":"announcement","nodeId":"<hex>","port":22000,"ip":"<hex>"}
  {"ok":true,"type":"query","nodeId":"<hex>"}
  {"ok":false,"error":"short|bad-magic|bad-reserved|bad-id-length|bad-ip-length|trailing"}
Exits with 0 when all packets were judged, good or bad. What is not hex ends it with 2: an argument before anything is
printed, a line after the packets before it.`;

/** How much of an argument or a line an error message quotes. */
const QUOTED = 40;

/** The command, to be added to a program. */
export function decodeCommand(): Command {
  return new Command("decode")
    .description("Decode packets: a line of JSON for each.")
    .argument("[hex...]", 'packets in hex, or "-" to read them from standard input')
    .addOption(flag("--codec <backend>", "default: wasm where it can be loaded, else ts").choices(["wasm", "ts"]))
    .addHelpText("after", HELP)
    .action(decode);
}

async function decode(hex: readonly string[], options: { codec?: CodecBackend }, command: Command): Promise<void> {
  const stdin = hex.length === 0 || hex.includes("-");
  if (stdin && hex.length > 1) command.error('error: "-" must be the only argument', { exitCode: 2 });
  if (hex.length === 0 && isatty(0)) {
    command.error('error: nothing to decode: give packets in hex, or "-" to type them line by line', { exitCode: 2 });
  }
  const codec = load(options.codec ?? "auto", command);
  // Each write tells its own caller of its error; but where nobody listens as well, an error ends the process.
  process.stdout.on("error", () => {});
  try {
    if (stdin) await decodeLines(codec, command);
    else await decodeArguments(codec, hex, command);
  } catch (error) {
    // Standard input is a directory, the disk is full: nothing that a stack would explain.
    if (!(error instanceof Error && "syscall" in error)) throw error;
    command.error(`error: ${error.message}`, { exitCode: 1 });
  }
}

function load(backend: CodecBackend | "auto", command: Command): Codec {
  try {
    return createCodec({ backend });
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`, { exitCode: 1 });
  }
}

async function decodeArguments(codec: Codec, hex: readonly string[], command: Command): Promise<void> {
  const { packets, bad } = parseAll(hex);
  if (bad !== undefined) command.error(`error: argument ${packets.length + 1} ${notHex(bad)}`, { exitCode: 2 });
  await print(codec.decodeMany(packets));
}

/** Decodes standard input as it comes, and stops early where nobody reads the output any more. */
async function decodeLines(codec: Codec, command: Command): Promise<void> {
  let done = 0;
  for await (const lines of linesOf(Bun.stdin.stream())) {
    const { packets, bad } = parseAll(lines);
    if (!(await print(codec.decodeMany(packets)))) return;
    done += packets.length;
    if (bad !== undefined) command.error(`error: line ${done + 1} ${notHex(bad)}`, { exitCode: 2 });
  }
}

/** The lines of a stream, as many at a time as have come. A line feed at the very end starts no line. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string[]> {
  // Latin-1: no character is more than a byte, so none is cut, and none but hex digits reads as one.
  const decoder = new TextDecoder("latin1");
  let begun: string[] = [];
  for await (const chunk of stream) {
    const text = decoder.decode(chunk);
    const end = text.lastIndexOf("\n");
    if (end === -1) {
      begun.push(text);
      continue;
    }
    yield (begun.join("") + text.slice(0, end)).split("\n").map(withoutReturn);
    begun = [text.slice(end + 1)];
  }
  const last = begun.join("");
  if (last !== "") yield [withoutReturn(last)];
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** Packets up to the first text that is not hex: `bad`. */
function parseAll(texts: readonly string[]): { packets: Uint8Array[]; bad?: string } {
  const packets: Uint8Array[] = [];
  for (const text of texts) {
    try {
      packets.push(Uint8Array.fromHex(text));
    } catch {
      return { packets, bad: text };
    }
  }
  return { packets };
}

function notHex(text: string): string {
  const at = text.search(/[^0-9a-f]/i);
  const why =
    at === -1 ? `an odd number of digits, ${text.length}` : `${quote(text.charAt(at))} at character ${at + 1}`;
  return `is not hex: ${quote(text.slice(0, QUOTED))}${text.length > QUOTED ? "…" : ""} has ${why}`;
}

/** In printable ASCII: what stands in a packet must not steer a terminal. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Whether what was printed could still be written. */
function print(results: readonly DecodeResult[]): Promise<boolean> {
  const text = results.map((result) => `${line(result)}\n`).join("");
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error && (error as NodeJS.ErrnoException).code !== "EPIPE") reject(error);
      else resolve(!error);
    });
  });
}

function line(result: DecodeResult): string {
  if (!result.ok) return JSON.stringify({ ok: false, error: result.code });
  const { packet } = result;
  const nodeId = packet.nodeId.toHex();
  if (packet.type === "query") return JSON.stringify({ ok: true, type: "query", nodeId });
  return JSON.stringify({ ok: true, type: "announcement", nodeId, port: packet.port, ip: packet.ip.toHex() });
}
