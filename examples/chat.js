// A chat on the LAN or through a server: `chat.js alice` in one terminal, `chat.js bob alice` in another one.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Discoverer } from "whereabouts/client";

process.on("uncaughtException", ({ message }) => {
  console.error(`chat: ${message}`); // one line, not a stack trace: most errors are wrong arguments
  process.exit(1);
});
const args = parseArgs({ allowPositionals: true, options: { server: { type: "string", multiple: true } } });
const { server: servers = [] } = args.values;
const [me, friend] = args.positionals;
if (me === undefined) throw new Error("what is your name? chat.js NAME [FRIEND] [--server HOST]…");

let discoverer = await Discoverer.start({ group: "chat", servers });
if (await dial(me, 1_000).catch(() => undefined)) throw new Error(`somebody called ${me} is there already`);
await discoverer.close();

/** @type {Set<import("node:net").Socket>} */
const friends = new Set();
const listener = createServer(talk).listen(0);
await once(listener, "listening");
const { port } = /** @type {import("node:net").AddressInfo} */ (listener.address());
discoverer = await Discoverer.start({ group: "chat", servers, nodeId: me, port });
discoverer.on("error", ({ message }) => console.log(`* ${message}`));
console.log(`* you are ${me}: "/dial NAME" calls somebody; those you talk with get all other lines`);
const call = (/** @type {string} */ name) => dial(name).then(talk, ({ message }) => console.log(`* ${message}`));
if (friend !== undefined) call(friend);
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith("/dial ")) call(line.slice(6).trim());
  else for (const socket of friends) socket.write(`${line}\n`);
}
process.exit();

/** @param {string} name @returns {Promise<import("node:net").Socket>} */
async function dial(name, timeout = 5_000, fresh = false) {
  const where = await discoverer.lookup(name, { timeout, fresh });
  if (where === undefined) throw new Error(`nobody knows ${name}`);
  const socket = connect(where.port, where.ip);
  if (await once(socket, "connect", { signal: AbortSignal.timeout(timeout) }).catch(() => undefined)) return socket;
  socket.destroy(); // Was the address old? Then the second look-up finds the new one.
  if (fresh) throw new Error(`${name} does not answer at ${where.ip}`);
  return await dial(name, timeout, true);
}

/** Each side says its name first. An address is only a hint: a program that needs to be sure uses TLS or keys. */
function talk(/** @type {import("node:net").Socket} */ socket) {
  let name = "";
  socket.on("error", () => {}).on("close", () => friends.delete(socket) && console.log(`* ${name} has left`));
  socket.write(`${me}\n`);
  const lines = createInterface({ input: socket }).on("error", () => {}); // it repeats the errors of the socket
  lines.on("line", (line) => {
    const text = line.replace(/\p{Cc}/gu, ""); // no escape sequences for this terminal
    console.log(friends.has(socket) ? `${name}: ${text}` : `* ${text} is here`);
    if (friends.size < friends.add(socket).size) name = text;
  });
}
