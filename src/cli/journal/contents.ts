/**
 * Reads a journal as a server does that starts now: into a registry, which keeps the latest announcement of each node, and
 * into a map of devices.
 */
import { createEngine, createEngineMemory, defaultEngineOptions, type EngineOptions } from "../../engine/index.ts";
import { Batch, DeviceMap, type Journal, JournalError, type SealedBatch } from "../../journal/index.ts";
import { Clock } from "../../server/clock.ts";
import { RegistryBatches } from "../../server/registry-batches.ts";
import { NodeCount } from "./node-count.ts";

/** A server may append to the journal between the two readings: room for so many more nodes than the first one found. */
const GROWTH = 1.1;
const MORE_NODES = 1000;

export interface Contents {
  readonly nodes: number;
  readonly devices: number;
  /** Addresses of `devices`. */
  readonly addresses: number;
  /** Announcements that were read, including expired ones and earlier ones of the same node or device. */
  readonly announcements: number;
  /** Times of announcements of `nodes`, in ms since 1970; null if there are none. */
  readonly oldest: number | null;
  readonly newest: number | null;
  /** Batches that could not be read. */
  readonly bad: number;
  /** Why parts of the journal could not be read. */
  readonly damage: JournalError | undefined;
  /** Calls `take` with the nodes, batch by batch in order of time, then with the devices, until `stop` resolves. */
  each(take: (batch: Batch) => Promise<void>, stop: Promise<void>): Promise<void>;
}

/**
 * Reads the journal twice: first to measure how large a registry it needs, then into that registry.
 *
 * @param create - makes the journal to read; called for each reading
 * @param whileOpen - called with the journal after the second reading, before it is closed
 * @throws {JournalError} if the journal cannot be read at all
 */
export async function readContents(
  create: () => Journal,
  retentionMs: number,
  whileOpen?: (journal: Journal) => Promise<void>,
): Promise<Contents> {
  const found = new NodeCount();
  let longestId = 1;
  const survey = create();
  await readOnce(survey, async (batch) => {
    for (let i = 0; i < batch.count; i++) {
      found.add(batch.nodeId(i));
      longestId = Math.max(longestId, batch.idLength(i));
    }
  });
  await survey.close();

  const options: EngineOptions = {
    ...defaultEngineOptions(),
    capacity: Math.ceil(found.estimate * GROWTH) + MORE_NODES,
    maxIdLength: Math.max(longestId, defaultEngineOptions().maxIdLength),
    retentionMs,
  };
  const memory = createEngineMemory(options);
  const clock = new Clock();
  const engine = createEngine("wasm", memory);
  const registry = new RegistryBatches(memory, engine, new DeviceMap(clock), clock, new Uint8Array(8));
  const journal = create();
  let announcements = 0;
  const damage = await readOnce(journal, async (batch, shift) => {
    announcements += batch.total;
    await registry.merge(batch, shift);
  });
  try {
    await whileOpen?.(journal);
  } finally {
    await journal.close();
  }

  const all = async (take: (batch: Batch) => Promise<void>) => {
    await registry.appendAll(
      async ({ bytes }: SealedBatch) => await take(Batch.parse(bytes)),
      () => 0,
    );
  };
  let [nodes, oldest, newest] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [devices, addresses] = [0, 0];
  await all(async (batch) => {
    nodes += batch.count;
    devices += batch.deviceCount;
    for (let i = 0; i < batch.deviceCount; i++) addresses += batch.device(i, 0).addresses.length;
    for (let i = 0; i < batch.count; i++) {
      oldest = Math.min(oldest, batch.time(i));
      newest = Math.max(newest, batch.time(i));
    }
  });
  const finiteOrNull = (time: number) => (Number.isFinite(time) ? time : null);
  return {
    nodes,
    devices,
    addresses,
    announcements,
    oldest: finiteOrNull(oldest),
    newest: finiteOrNull(newest),
    bad: journal.bad,
    damage,
    async each(take, stop) {
      let stopped = false;
      void stop.then(() => {
        stopped = true;
      });
      await all(async (batch) => {
        if (!stopped) await take(batch);
      });
    },
  };
}

/** @returns the error if parts of the journal are damaged; everything else was read then. */
async function readOnce(
  journal: Journal,
  merge: (batch: Batch, shift: number) => Promise<void>,
): Promise<JournalError | undefined> {
  try {
    await journal.read({ merge });
    return undefined;
  } catch (error) {
    if (error instanceof JournalError && error.code === "damaged") return error;
    await journal.close();
    throw error;
  }
}
