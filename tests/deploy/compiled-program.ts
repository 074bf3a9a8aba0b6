// A program of a user, which is compiled with the server in it: prints how many workers it has.
import { DiscoveryServer } from "whereabouts/server";

const journal = process.argv[2]!;
const server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, workers: 2, capacity: 1000, journal });
console.log(server.stats().workers);
await server.stop();
