/** `whereabouts decode --pcap`: prints the packets of a capture. */
import { createReadStream } from "node:fs";
import type { Command } from "commander";
import { type Codec, type DecodeResult, ipToText } from "../../codec/index.ts";
import { errorText, failOnStreamError } from "../errors.ts";
import type { UdpDatagram } from "../packets/ip.ts";
import { standardInput } from "../terminal/input.ts";
import { print, printError } from "../terminal/output.ts";
import { showAddress } from "../terminal/style.ts";
import { readCapture } from "./capture.ts";
import { Datagrams } from "./datagrams.ts";
import { CaptureError, type Frame } from "./frame.ts";

/** In bytes: large enough that the time for a chunk does not matter. */
const CHUNK = 256 * 1024;

export interface CaptureOptions {
  /** The name of the file, or `-` for standard input. */
  readonly file: string;
  readonly ports: readonly number[];
  readonly codec: Codec;
  /** The keys of a packet in the output. */
  readonly format: (result: DecodeResult) => object;
}

/** Prints each packet as soon as it has arrived. Stops early if nobody reads the output any more. */
export async function decodeCapture({ file, ports, codec, format }: CaptureOptions, command: Command): Promise<void> {
  const datagrams = new Datagrams(ports);
  try {
    for await (const frames of readCapture(file === "-" ? standardInput() : fileChunks(file))) {
      let lines = "";
      for (const frame of frames) {
        const datagram = datagrams.find(frame);
        if (datagram === undefined) continue;
        lines += `${JSON.stringify({ ...origin(frame, datagram), ...content(datagram, codec, format) })}\n`;
      }
      if (lines !== "" && !(await print(lines))) return;
    }
  } catch (error) {
    const name = file === "-" ? "standard input" : file;
    if (error instanceof CaptureError) command.error(`error: ${name} ${error.message}`, { exitCode: 2 });
    if (error instanceof FileError) command.error(`error: ${name} cannot be read: ${error.message}`, { exitCode: 1 });
    failOnStreamError(error, command);
  }
  const summary = datagrams.summary();
  if (summary !== undefined) printError(`whereabouts: ${summary}`);
}

function origin({ number, clock, time }: Frame, datagram: UdpDatagram): object {
  const { sourceIp, sourcePort, destinationIp, destinationPort } = datagram;
  return {
    frame: number,
    time: clock(...time),
    source: showAddress({ ip: ipToText(sourceIp)!, port: sourcePort }),
    destination: showAddress({ ip: ipToText(destinationIp)!, port: destinationPort }),
  };
}

function content({ isFragment, payload, length }: UdpDatagram, codec: Codec, format: CaptureOptions["format"]): object {
  if (isFragment) return { ok: false, error: "fragment" };
  if (payload.length < length) return { ok: false, error: "truncated", captured: payload.length, length };
  return format(codec.tryDecode(payload));
}

/** The file cannot be opened or read. */
class FileError extends Error {}

async function* fileChunks(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file, { highWaterMark: CHUNK });
  } catch (error) {
    throw new FileError(errorText(error as Error));
  }
}
