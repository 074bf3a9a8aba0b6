/**
 * The transport xdp treats every kind of frame as the kernel's sockets do: it answers or drops it itself, or leaves it to the kernel.
 * Each row is sent to a server with the transport mmsg, and to two with xdp: one whose program is attached in the generic mode, because
 * native mode does not allow jumbo frames on a veth, and one in native mode.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { testIf } from "../../support/needs.ts";
import { hex } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";
import { LONG_LIMIT_MS, TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { hasXdp, NEEDS_XDP } from "../../support/xdp.ts";
import { mutatedFrame } from "./mutations.ts";
import { CLIENT_MAC, SERVER } from "./network.ts";
import { announceNode, type Outcome, outcome, QUERY_V4, QUERY_V6, settled } from "./outcome.ts";
import { DESTINATIONS, GROUPS, MACS, SOURCES } from "./rows/addresses.ts";
import { CHECKSUMS, EXTENSIONS, FIELDS, FRAGMENTS, VLANS } from "./rows/headers.ts";
import { JUMBO, JUMBO_MTU, LENGTHS } from "./rows/lengths.ts";
import { answered, NOTHING, type Row, refused, TO_ITSELF } from "./rows/row.ts";
import { KINDS, Site } from "./site.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const check = testIf(hasXdp, NEEDS_XDP);
const sites: Site[] = [];

beforeAll(async () => {
  if (!hasXdp) return;
  const opening = [
    { kind: "mmsg", mtu: JUMBO_MTU, mode: undefined },
    { kind: "xdp", mtu: JUMBO_MTU, mode: "generic" },
    { kind: "xdp", mtu: undefined, mode: "native" },
  ] as const;
  sites.push(...(await Promise.all(opening.map(({ kind, mtu }) => Site.open(kind, { mtu })))));
  for (const [i, site] of sites.entries()) {
    await announceNode(site);
    expect((await site.counts()).mode).toBe(opening[i]!.mode);
  }
}, LONG_LIMIT_MS);

afterAll(async () => {
  for (const site of sites) await site[Symbol.asyncDispose]();
});

/** What becomes of a row, for the name of its test. */
function fate({ expected, taken }: Row): string {
  const [verdict = expected.sent.length > 0 ? "refused" : "dropped"] = Object.keys(expected.verdicts);
  const counted = expected.sent.length === 0 && verdict in expected.verdicts;
  return `${counted ? `counted as ${verdict}` : verdict} ${taken ? "past the kernel" : "by the kernel"}`;
}

function rows(kind: string, list: readonly Row[]): void {
  describe(kind, () => {
    for (const row of list) {
      check(`${row.what} is ${fate(row)}`, async () => {
        const [mmsg, ...others] = row.jumbo === true ? sites.slice(0, 2) : sites;
        const count = row.expected.sent.length;
        const { kernel, ...result } = await outcome(mmsg!, row.send, count);
        expect(result).toEqual(row.expected);
        for (const site of others) {
          const { kernel: passed, ...rest } = await outcome(site, row.send, count);
          expect(rest).toEqual(row.xdp ?? result);
          expect(passed).toBe(row.taken ? 0 : kernel);
        }
      });
    }
  });
}

rows("a query by its headers", FIELDS);
rows("a query by its checksums", CHECKSUMS);
rows("a query with options or extension headers", EXTENSIONS);
rows("fragments", FRAGMENTS);
rows("VLANs", VLANS);
rows("a query by its Ethernet addresses", MACS);
rows("a query to", DESTINATIONS);
rows("a query to a group", GROUPS);
rows("a query from", SOURCES);
rows("lengths", LENGTHS);
rows("jumbo frames", JUMBO);

/** An outcome without order and Ethernet addresses, and without what the kernel counted. */
function comparable({ verdicts, unsent, sent }: Outcome): object {
  return { verdicts, unsent, sent: sent.map((packet) => JSON.stringify({ ...packet, toMac: undefined })).sort() };
}

/** What becomes of frames at all sites. */
async function outcomes(frames: readonly Uint8Array[]): Promise<object[]> {
  const results: object[] = [];
  for (const site of sites) results.push(comparable(await outcome(site, ({ link }) => link.send(frames), 0)));
  return results;
}

check("10,000 frames with random faults have the same outcome with either transport", async () => {
  const random = new Random(1);
  let answered = 0;
  for (let group = 0; group < 100; group++) {
    const frames = Array.from({ length: 100 }, () => mutatedFrame(random));
    const [mmsg, ...others] = await outcomes(frames);
    answered += (mmsg as Outcome).verdicts.answered ?? 0;
    if (others.every((other) => Bun.deepEquals(other, mmsg))) continue;
    for (const frame of frames) {
      const [one, ...rest] = await outcomes([frame]);
      for (const other of rest) expect(other, hex(frame)).toEqual(one!);
    }
    expect(others, `group ${group}, but not its frames one by one`).toEqual(others.map(() => mmsg!));
  }
  // Else there would be only faults that nobody answers.
  expect(answered).toBeGreaterThan(1000);
});

check("an address that is removed is not answered any more, and one that is added is", async () => {
  const changes = [
    { query: QUERY_V4, removed: SERVER.second4, added: "10.9.0.200", bits: 24, own: NOTHING },
    { query: QUERY_V6, removed: SERVER.second6, added: "fd09::200", bits: 64, own: TO_ITSELF },
  ] as const;
  for (const { host } of sites) {
    for (const { removed, added, bits } of changes) {
      host.run(`
        ip addr del ${removed}/${bits} dev a0
        ip addr add ${added}/${bits} dev a0 ${bits === 64 ? "nodad" : ""}
        ip neigh replace ${removed} lladdr ${CLIENT_MAC} dev a0 nud permanent`);
    }
  }
  for (const site of sites) {
    for (const { query, removed, added, own } of changes) {
      const [toAdded, fromRemoved] = [
        { ...query, destination: added },
        { ...query, source: removed },
      ];
      await settled(site, { ...query, destination: removed }, NOTHING);
      await settled(site, toAdded, answered(toAdded));
      await settled(site, fromRemoved, answered(fromRemoved));
      await settled(site, { ...query, source: added }, own);
    }
  }
});

check("an address that the server does not listen on is the kernel's, and is no source", async () => {
  for (const kind of KINDS) {
    await using site = await Site.open(kind, { host: [SERVER.v4, SERVER.v6] });
    await announceNode(site);
    for (const [query, other, icmp] of [
      [QUERY_V4, SERVER.second4, "type 3 code 3"],
      [QUERY_V6, SERVER.second6, "type 1 code 4"],
    ] as const) {
      const toOther = { ...query, destination: other };
      await settled(site, query, answered(query));
      await settled(site, toOther, refused(toOther, icmp));
      await settled(site, { ...query, source: other }, query === QUERY_V4 ? NOTHING : TO_ITSELF);
    }
  }
});
