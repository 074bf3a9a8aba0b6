/**
 * A user's program: one node announces itself to the server that the last argument names, and another node looks it up. Prints
 * where it was found.
 */
import { Discoverer } from "whereabouts/client";

async function main(server: string): Promise<void> {
  const options = { servers: [server], lan: false };
  const theirs = await Discoverer.start({ ...options, nodeId: "THEIR-NODE", port: 22000 });
  await theirs.announce();
  const mine = await Discoverer.start(options);
  const found = await mine.lookup("THEIR-NODE");
  await Promise.all([theirs.close(), mine.close()]);
  console.log(found && `${found.ip}:${found.port} via ${found.via}`);
}

main(process.argv.at(-1)!);
