/**
 * A program with discoverers, for Bun and Node: the bench bundles it. It reads a {@link Request} per line from its standard input,
 * and answers each with a {@link Response} on a line. It ends when its standard input does.
 *
 * All times are {@link now}: milliseconds since 1970, on a clock that the programs of one machine share to within a millisecond.
 */
import { createInterface } from "node:readline";
import { Discoverer, type DiscovererOptions } from "../../src/client/index.ts";

/** The commands of an agent. A node is named by a number that the bench chooses. */
export interface Commands {
  /** Starts a node after `delay` ms. */
  start: { request: { node: number; options: DiscovererOptions; delay?: number }; response: { nodeId: string } };
  /** Waits until the node knows all nodes of `ids`. The response has those that it does not know after `timeout` ms. */
  await: {
    request: { node: number; ids: readonly string[]; timeout: number };
    response: { missing: string[]; at: number };
  };
  /** Waits until the node knows `count` others. The response has how many it knows after at most `timeout` ms. */
  count: { request: { node: number; count: number; timeout: number }; response: { known: number; at: number } };
  record: { request: { node: number }; response: NodeRecord };
  close: { request: { node: number }; response: null };
  /** Starts a discoverer that announces nothing, looks one node up, and closes the discoverer. */
  lookup: { request: { nodeId: string }; response: { found: boolean; ms: number } };
  /** Starts nodes `node` to `node + count - 1` with random NodeIDs, spread evenly over `spread` ms. */
  crowd: { request: { node: number; count: number; port: number; spread: number }; response: null };
  /** Processor time of the process so far, in ms. */
  cpu: { request: Record<never, never>; response: { ms: number } };
}

export type Request = { [K in keyof Commands]: { id: number; do: K } & Commands[K]["request"] }[keyof Commands];
export type Response = { id: number; result: unknown } | { id: number; error: string };

export interface NodeRecord {
  /** When `Discoverer.start` was called, and when it resolved. */
  readonly called: number;
  readonly opened: number;
  /** When the node announced itself: a time per datagram. */
  readonly announced: readonly number[];
  /** Where to. */
  readonly destinations: readonly string[];
  /** By NodeID: when another node was first seen. */
  readonly seen: Readonly<Record<string, number>>;
}

interface Node {
  readonly discoverer: Discoverer;
  readonly record: {
    called: number;
    opened: number;
    announced: number[];
    destinations: string[];
    seen: Record<string, number>;
  };
  /** Called whenever another node is seen. */
  readonly onSeen: Set<() => void>;
}

const nodes = new Map<number, Node>();

function now(): number {
  return performance.timeOrigin + performance.now();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function textOf(nodeId: Uint8Array): string {
  return new TextDecoder().decode(nodeId);
}

async function start(number: number, options: DiscovererOptions): Promise<Node> {
  const called = now();
  const discoverer = await Discoverer.start(options);
  const node: Node = {
    discoverer,
    record: { called, opened: now(), announced: [], destinations: [], seen: {} },
    onSeen: new Set(),
  };
  const { record, onSeen } = node;
  discoverer.on("announced", ({ address }) => {
    record.announced.push(now());
    if (!record.destinations.includes(address)) record.destinations.push(address);
  });
  const seen = ({ nodeId }: { nodeId: Uint8Array }) => {
    record.seen[textOf(nodeId)] ??= now();
    for (const call of onSeen) call();
  };
  discoverer.on("node", seen);
  discoverer.on("moved", seen);
  nodes.set(number, node);
  return node;
}

function nodeOf(number: number): Node {
  const node = nodes.get(number);
  if (node === undefined) throw new Error(`there is no node ${number}`);
  return node;
}

/** Waits until `done` returns true, which is asked whenever the node sees another one. */
async function until({ onSeen }: Node, timeout: number, done: () => boolean): Promise<void> {
  if (done()) return;
  let check = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  await new Promise<void>((resolve) => {
    check = () => {
      if (done()) resolve();
    };
    onSeen.add(check);
    timer = setTimeout(resolve, timeout);
  });
  clearTimeout(timer);
  onSeen.delete(check);
}

function missing({ discoverer }: Node, ids: readonly string[]): string[] {
  const known = new Set(discoverer.nodes().map(({ nodeId }) => textOf(nodeId)));
  return ids.filter((id) => !known.has(id));
}

async function lookup(nodeId: string): Promise<Commands["lookup"]["response"]> {
  const called = now();
  const discoverer = await Discoverer.start();
  const address = await discoverer.lookup(nodeId).catch(() => undefined);
  const ms = now() - called;
  await discoverer.close();
  return { found: address !== undefined, ms };
}

async function run(request: Request): Promise<Commands[keyof Commands]["response"]> {
  switch (request.do) {
    case "start": {
      await sleep(request.delay ?? 0);
      const { discoverer } = await start(request.node, request.options);
      return { nodeId: textOf(discoverer.nodeId) };
    }
    case "await": {
      const node = nodeOf(request.node);
      await until(node, request.timeout, () => missing(node, request.ids).length === 0);
      return { missing: missing(node, request.ids), at: now() };
    }
    case "count": {
      const node = nodeOf(request.node);
      await until(node, request.timeout, () => node.discoverer.nodes().length >= request.count);
      return { known: node.discoverer.nodes().length, at: now() };
    }
    case "record":
      return nodeOf(request.node).record;
    case "close": {
      await nodeOf(request.node).discoverer.close();
      nodes.delete(request.node);
      return null;
    }
    case "lookup":
      return await lookup(request.nodeId);
    case "crowd": {
      const { node, count, port, spread } = request;
      await Promise.all(
        Array.from({ length: count }, async (_, i) => {
          await sleep((i * spread) / count);
          await start(node + i, { port });
        }),
      );
      return null;
    }
    case "cpu": {
      const { user, system } = process.cpuUsage();
      return { ms: (user + system) / 1000 };
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request: Request = JSON.parse(line);
  const answer = (response: Response) => void process.stdout.write(`${JSON.stringify(response)}\n`);
  run(request).then(
    (result) => answer({ id: request.id, result }),
    (error: Error) => answer({ id: request.id, error: error.message }),
  );
}
process.exit(0);
