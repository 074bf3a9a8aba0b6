/** Opens a discoverer, and lets it go after a while: `open.ts unref`, `close` or `abort`. */
import { formatDeviceId, SyncthingDiscoverer } from "../../../src/syncthing/index.ts";

const how = process.argv.at(-1);
const aborter = new AbortController();
const servers = ["https://127.0.0.1:1/?insecure"];
const discoverer = await SyncthingDiscoverer.start({ servers, lan: false, signal: aborter.signal });
await discoverer.lookup(formatDeviceId(new Uint8Array(32))).catch(() => {});
// The timer alone would not keep the program running.
setTimeout(() => {
  console.log("still open");
  if (how === "unref") discoverer.unref().ref().unref();
  else if (how === "close") void discoverer.close();
  else aborter.abort();
}, 50).unref();
