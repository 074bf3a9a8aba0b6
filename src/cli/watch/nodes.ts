/** Watches nodes: those of this program's LAN. */
import type { Discoverer, LanEvent, LanNode } from "../../client/index.ts";
import { bytesToHex } from "../../codec/index.ts";
import { nodeIdJson, type Style, showAddress, showNodeId } from "../terminal/style.ts";
import type { Row, RowKind } from "../terminal/table.ts";
import { type Change, ChangeLines } from "./lines.ts";
import type { Watched } from "./watched.ts";

export const NODES: RowKind = {
  noun: "node",
  leastId: 4,
  none: "None heard yet. Most nodes answer at once, others within 30 s.",
};

export function watchedNodes(discoverer: Discoverer): Watched {
  return {
    kind: NODES,
    rows: () => discoverer.nodes().map(nodeRow),
    onChange(listener) {
      discoverer.on("node", ({ nodeId }) => listener("new", bytesToHex(nodeId)));
      for (const type of ["moved", "gone"] as const) {
        discoverer.on(type, ({ nodeId }) => listener(type, bytesToHex(nodeId)));
      }
    },
    onError: (listener) => void discoverer.on("error", listener),
    lines: (json, style) => nodeLines(discoverer, json, style),
  };
}

export function nodeRow(node: LanNode): Row {
  const { nodeId, seenAt } = node;
  return { key: bytesToHex(nodeId), id: showNodeId(nodeId), addresses: [showAddress(node)], seenAt };
}

async function* nodeLines(discoverer: Discoverer, json: boolean, style: Style): AsyncGenerator<string> {
  const lines = new ChangeLines(style);
  for await (const event of discoverer.watch()) {
    yield json ? nodeEventJson(event) : lines.line(nodeChange(event), Date.now());
  }
}

export function nodeChange(event: LanEvent): Change {
  const type = event.type === "node" ? "new" : event.type;
  return { type, key: bytesToHex(event.nodeId), id: showNodeId(event.nodeId), where: showAddress(event) };
}

export function nodeEventJson({ type, nodeId, ip, port, seenAt }: LanEvent): string {
  return JSON.stringify({ type, ...nodeIdJson(nodeId), ip, port, seenAt });
}
