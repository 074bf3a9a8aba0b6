/** Two workers of a cluster, each with a discoverer: `node cluster.mjs PORT`. They print `ready`, and each node that they see. */
import cluster from "node:cluster";
import { Discoverer } from "../../../src/client/index.ts";
import { nodeIdToText } from "../../../src/codec/index.ts";

if (cluster.isPrimary) {
  for (let i = 0; i < 2; i++) cluster.fork();
} else {
  const discoverer = await Discoverer.start({ lanPort: Number(process.argv[2]) });
  discoverer.on("node", ({ nodeId }) => console.log(nodeIdToText(nodeId)));
  console.log("ready");
}
