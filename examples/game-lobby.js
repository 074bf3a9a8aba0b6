// The games on the LAN: `game-lobby.js host NAME` opens one, `game-lobby.js` lists them, live, and joins one of them.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { Discoverer } from "whereabouts/client";

process.on("uncaughtException", ({ message }) => {
  console.error(`game-lobby: ${message}`); // one line, not a stack trace: most errors are wrong arguments
  process.exit(1);
});
const [command, name] = process.argv.slice(2);
if (command !== undefined && (command !== "host" || !name)) throw new Error("usage: game-lobby.js [host NAME]");
await (name === undefined ? list() : host(name));

/** Whoever connects gets the game's name and players. A player sends "join", and leaves by hanging up. */
async function host(/** @type {string} */ game) {
  const players = new Set();
  const server = createServer((socket) => {
    socket.on("error", () => {}).write(`${game} (players: ${players.size})`);
    socket.once("data", () => console.log(`players: ${players.add(socket).size}`));
    socket.on("close", () => players.delete(socket) && console.log(`players: ${players.size}`));
  });
  await once(server.listen(0), "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  (await Discoverer.start({ group: "game-lobby", port })).on("error", ({ message }) => console.error(message));
  console.log(`${game} is open, until Ctrl-C`);
}

async function list() {
  const discoverer = await Discoverer.start({ group: "game-lobby" });
  discoverer.on("error", ({ message }) => console.error(message));
  console.log("games on this LAN; type the number of a game to join it:");
  const games = /** @type {Map<string, { number: number, ip: string, port: number, state: string }>} */ (new Map());
  // A game that ends does not say so on the LAN. So all are asked again and again.
  const check = async (/** @type {import("whereabouts/client").LanNode} */ { nodeId, ip, port }) => {
    const state = await ask(ip, port).catch(() => "");
    const id = `${Buffer.from(nodeId)}`;
    const { number, state: before } = games.get(id) ?? { number: games.size + 1, state: "" };
    if (state === before) return;
    games.set(id, { number, ip, port, state });
    console.log(`${number}  ${state || `${before} has ended`}`);
  };
  setInterval(() => discoverer.nodes().forEach(check), 1_000);
  createInterface({ input: process.stdin }).on("line", (line) => {
    const game = [...games.values()][Number(line) - 1];
    if (!game?.state) return console.log(`there is no game ${line}`);
    const socket = connect(game.port, game.ip, () => socket.write("join")).on("error", () => {});
    socket.resume().on("close", () => console.log(`you have left game ${line}`));
  });
  for await (const node of discoverer.watch()) check(node);
}

async function ask(/** @type {string} */ ip, /** @type {number} */ port) {
  const socket = connect(port, ip);
  socket.setTimeout(2_000, () => socket.destroy(new Error("no answer")));
  const [data] = await once(socket, "data");
  socket.destroy();
  return `${data}`.replace(/\p{Cc}/gu, "");
}
