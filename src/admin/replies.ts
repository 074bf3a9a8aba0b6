/** Builds the replies of the API from what the server tells. */
import { version } from "../../package.json";
import { bytesToHex, nodeIdToText } from "../codec/index.ts";
import type { DiscoveryServer, Limited, NodeInfo, Readiness, XdpStatus } from "../server/index.ts";
import type { LimitedKey, NodeIdReply, NodeReply, ReadyReply, StatsReply, XdpReply } from "./api.ts";

const FLAGS = { sourceRate: "--source-rate", nodeRate: "--node-rate", newRate: "--new-rate" } as const;

export function statsReply(server: DiscoveryServer, ready: boolean): StatsReply {
  const stats = server.stats();
  const now = Date.now();
  const { sourceRate, sourceBurst, nodeRate, nodeBurst, newRate, newBurst, limitDryRun, transport } = server.options;
  const { user, system } = process.cpuUsage();
  return {
    ...stats,
    version,
    startedAt: new Date(now - stats.uptime * 1000).toISOString(),
    at: new Date(now).toISOString(),
    ready,
    perWorker: stats.perWorker.map((worker) => ({ ...worker, cpuSeconds: worker.cpuSeconds ?? null })),
    problems: server.problems().map((problem) => ({ ...problem, since: iso(problem.since) })),
    listening: server.addresses.map((ip) => `${ip.includes(":") ? `[${ip}]` : ip}:${server.port}`),
    transport,
    xdp: stats.xdp === undefined ? null : xdpReply(stats.xdp),
    kernelDrops: stats.kernelDrops ?? null,
    receiveQueue: stats.receiveQueue ?? null,
    process: { residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 },
    limits: { sourceRate, sourceBurst, nodeRate, nodeBurst, newRate, newBurst, dryRun: limitDryRun },
  };
}

function xdpReply({ mode, problem, ...rest }: XdpStatus): XdpReply {
  return { ...rest, mode: mode ?? null, problem: problem ?? null };
}

export function limitedKey({ network, nodeId, option, since, ...rest }: Limited): LimitedKey {
  return {
    ...rest,
    network: network ?? null,
    nodeId: nodeId === undefined ? null : nodeIdReply(nodeId),
    flag: FLAGS[option],
    since: iso(since),
  };
}

export function nodeReply({ nodeId, announcedAt, expiresAt, ...rest }: NodeInfo): NodeReply {
  return { ...rest, nodeId: nodeIdReply(nodeId), announcedAt: iso(announcedAt), expiresAt: iso(expiresAt) };
}

export function readyReply({ ready, checks }: Readiness): ReadyReply {
  const failed = checks.find(({ ok }) => !ok);
  return { ready, reason: ready ? null : (failed?.text ?? "a check failed"), checks };
}

function nodeIdReply(bytes: Uint8Array): NodeIdReply {
  return { text: nodeIdToText(bytes) ?? null, hex: bytesToHex(bytes) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
