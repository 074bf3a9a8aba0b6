/** Preloaded into `whereabouts server`. The server never finishes its stop. */
import { DiscoveryServer } from "../../../src/server/index.ts";

DiscoveryServer.prototype.stop = () => {
  console.log("stopping");
  return new Promise(() => {});
};
