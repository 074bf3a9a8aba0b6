/** The look-up box: what the server knows of one node. */
import { MAX_ID_LENGTH } from "../../../assembly/layout.ts";
import type { ErrorReply, NodeReply } from "../api.ts";
import { byId, make } from "./dom.ts";
import { clock, duration, nodeId, nodeIdHex, visible } from "./format.ts";

/** May be a device ID of Syncthing, which only the server can tell. */
const DEVICE_ID = /^[a-z0-9 -]{56,80}$/i;

/** The result of a look-up, as elements. Never rejects. */
async function lookUp(written: string): Promise<HTMLElement[]> {
  const hex = nodeIdHex(written);
  if (hex === undefined) return [make("p", "failed", "Behind hex: come pairs of hex digits, such as hex:0aff.")];
  if (hex.length === 0 || hex.length > 2 * MAX_ID_LENGTH) {
    return [make("p", "failed", `A NodeID has 1 to ${MAX_ID_LENGTH} bytes.`)];
  }
  const name = make("b", "name", visible(written));
  try {
    // In hex, since a path cannot have every text: `..` would be another path.
    const id = DEVICE_ID.test(written) ? encodeURIComponent(written) : `hex:${hex}`;
    const response = await fetch(`/api/nodes/${id}`);
    if (response.status === 404) return [make("p", "unknown", name, " is not known to this server.")];
    if (!response.ok) return [make("p", "failed", visible(((await response.json()) as ErrorReply).error))];
    return found((await response.json()) as NodeReply, Date.now());
  } catch {
    return [make("p", "failed", "The server does not answer.")];
  }
}

function found(node: NodeReply, now: number): HTMLElement[] {
  const [announced, expires] = [Date.parse(node.announcedAt), Date.parse(node.expiresAt)];
  const address = node.ip.includes(":") ? `[${node.ip}]:${node.port}` : `${node.ip}:${node.port}`;
  const facts: readonly (readonly [string, string])[] = [
    ["Address", address],
    ["Announced", `${clock(announced, now)}, ${duration((now - announced) / 1000)} ago`],
    ["Expires", `${clock(expires, now)}, in ${duration((expires - now) / 1000)}`],
    ["How often", node.confirmed ? "at least twice: confirmed" : "once: not confirmed yet"],
    ["Heard", node.fromJournal ? "through the journal: before a restart, or by another server" : "by this server"],
    ["Certificate", node.authenticated ? "the node’s own: announced over HTTPS" : "none: announced over UDP"],
    ["In hex", node.nodeId.hex],
  ];
  return [
    make("p", "found", make("b", "name", nodeId(node.nodeId)), " is at ", make("b", "name", address), "."),
    make("dl", "facts", ...facts.map(([term, fact]) => make("div", "", make("dt", "", term), make("dd", "", fact)))),
  ];
}

export function startLookup(): void {
  const form = byId<HTMLFormElement>("lookup");
  const input = byId<HTMLInputElement>("lookup-id");
  const result = byId("lookup-result");
  let latest = 0;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const number = ++latest;
    const elements = await lookUp(input.value);
    // A slow reply to an earlier look-up must not replace the one of a later one.
    if (number === latest) result.replaceChildren(...elements);
  });
}
