/**
 * Runs in a network namespace: a server with the transport xdp on the interface b0, and a socket that it is given, on port 22025. Prints
 * its options, for each line of its standard input its statistics, and when that ends, whether the socket is still bound.
 */
import { DiscoveryServer } from "../../../src/server/index.ts";
import { describeGivenSockets } from "../../../src/transport/given-sockets.ts";
import { parseAddress } from "../../../src/transport/host.ts";
import { bindSocket } from "../../../src/transport/socket.ts";

const { fd } = bindSocket({ address: parseAddress("::"), port: 22025, receiveBuffer: 1 << 20 });
const server = await DiscoveryServer.start({ sockets: [fd], transport: "xdp", interface: "b0", fallback: false });
console.log(JSON.stringify(server.options));
for await (const _ of console) console.log(JSON.stringify(server.stats()));
await server.stop();
console.log(`still bound to port ${describeGivenSockets([fd])[0]!.port}`);
