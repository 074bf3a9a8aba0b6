// Shows the sFlow datagrams in a capture: one line for each sample, as sflowtool does. Capture with
// `tcpdump -i eth0 -w FILE.pcap udp port 6343`, then run `bun examples/sflow.ts FILE.pcap [PORT]`. The structures are in
// sflow/*.x, compiled by `whereabouts xdr` to sflow/generated/sflow.ts (README.md has the command).
import { readFileSync } from "node:fs";
import { portsOf, readFrame, udpData } from "./sflow/frame.ts";
import { showDatagram } from "./sflow/lines.ts";
import { type Packet, readPcap } from "./sflow/pcap.ts";

const [file, port = "6343"] = process.argv.slice(2);
if (file === undefined || !/^\d+$/.test(port)) {
  console.error("usage: bun examples/sflow.ts FILE.pcap [PORT]");
  process.exit(2);
}
try {
  let isEmpty = true;
  for (const packet of readPcap(readFileSync(file))) {
    for (const line of showPacket(packet)) {
      console.log(`${packet.time.toISOString()} ${line}`);
      isEmpty = false;
    }
  }
  if (isEmpty) console.error(`${file}: no samples in datagrams to UDP port ${port}`);
} catch (error) {
  console.error(`${file}: ${(error as Error).message}`);
  process.exitCode = 1;
}

function* showPacket({ number, frame }: Packet): Generator<string> {
  const ip = readFrame(frame)?.ip;
  if (ip === undefined || portsOf(ip)?.[1] !== Number(port)) return;
  const datagram = udpData(ip);
  if (datagram === undefined) {
    if (ip.isFragment) yield `packet ${number} is a fragment, and is not put together with others`;
    return;
  }
  if (datagram.data.length < datagram.length) {
    yield `packet ${number}: only ${datagram.data.length} of ${datagram.length} bytes were captured`;
  }
  yield* showDatagram(datagram.data);
}
