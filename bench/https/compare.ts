/** Measures the servers in turns, under the same loads. */
import type { Placement } from "../server/machine.ts";
import type { Result } from "./load/main.ts";
import { Loader } from "./loader.ts";
import { type Memory, type Row, rowOf, type Sample } from "./report.ts";
import { type Subject, type SubjectName, startSubject } from "./subjects.ts";

export interface CompareOptions {
  readonly subjects: readonly SubjectName[];
  readonly devices: number;
  /** Connections of look-ups. */
  readonly connections: number;
  readonly rounds: number;
  /** Length of each measurement. */
  readonly seconds: number;
  readonly placement: Placement;
}

export interface Comparison {
  readonly rows: readonly Row[];
  readonly memory: readonly Memory[];
}

/** Announcements at a time. More of them would only wait longer. */
const HANDSHAKES = 16;
/** The fraction of look-ups of unknown devices, in the row that has such. */
const UNKNOWN = 0.5;
/** The most announcements per second that a server has room for. */
const MAX_ANNOUNCEMENTS = 5_000;

/** The loads, in the order of the table. */
const LOADS = {
  "look-ups over TLS": { tls: true, unknown: 0 },
  "look-ups behind a proxy": { tls: false, unknown: 0 },
  "the same, half of unknown devices": { tls: false, unknown: UNKNOWN },
  "announcements, a handshake each": "announce",
} as const;
type LoadName = keyof typeof LOADS;

class Measurement {
  readonly #options: CompareOptions;
  readonly #loader: Loader;
  /** The device that announces itself next. */
  #next: number;

  constructor(options: CompareOptions, loader: Loader) {
    this.#options = options;
    this.#loader = loader;
    this.#next = options.devices;
  }

  async sample(subject: Subject, name: LoadName, seconds: number): Promise<Sample> {
    const load = LOADS[name];
    const { replies, wrong, example, ...result } =
      load === "announce" ? await this.#announce(subject, seconds) : await this.#lookUp(subject, load, seconds);
    if (wrong > 0) throw new Error(`${subject.name}, ${name}: ${wrong} wrong replies, such as\n${example}`);
    const perSecond = replies / result.seconds;
    return { perSecond, cpu: result.serverCpu / replies, load: result.cpu / 1e6 / result.seconds };
  }

  async #lookUp(subject: Subject, load: { tls: boolean; unknown: number }, seconds: number) {
    const { devices, connections } = this.#options;
    const endpoint = load.tls ? subject.https : subject.http;
    await this.#loader.do({ what: "connect", endpoint, connections });
    const run = { seconds, known: devices, unknown: load.unknown, proxied: !load.tls };
    const result = await this.#timed(subject, () => this.#loader.do({ what: "look up", ...run }));
    await this.#loader.do({ what: "close" });
    return result;
  }

  async #announce(subject: Subject, seconds: number) {
    const task = { what: "announce", endpoint: subject.https, seconds, connections: HANDSHAKES } as const;
    const result = await this.#timed(subject, () => this.#loader.do({ ...task, first: this.#next }));
    this.#next += result.replies + HANDSHAKES;
    return result;
  }

  async #timed(subject: Subject, run: () => Promise<Result>): Promise<Result & { serverCpu: number }> {
    const before = subject.cpu();
    const result = await run();
    return { ...result, serverCpu: subject.cpu() - before };
  }
}

/** @throws {Error} if a server cannot be started, or a reply is wrong */
export async function compare(options: CompareOptions, report: (line: string) => void): Promise<Comparison> {
  const { devices, rounds, seconds, placement } = options;
  await using running = new AsyncDisposableStack();
  const loader = running.use(new Loader(placement.load));
  const names = Object.keys(LOADS) as LoadName[];
  // A warm-up and the rounds.
  const capacity = devices + Math.ceil((rounds + 1) * seconds * MAX_ANNOUNCEMENTS);
  const subjects: Subject[] = [];
  for (const name of options.subjects) {
    const subject = await startSubject(name, {
      pin: placement.server,
      capacity,
      limits: false,
      async fill(endpoint) {
        const { seconds, wrong, example } = await loader.do({ what: "fill", endpoint, devices });
        if (wrong > 0) throw new Error(`${name} refused ${wrong} of ${devices} announcements, such as\n${example}`);
        report(`${name}: ${devices} devices announced in ${seconds.toFixed(1)} s`);
      },
    });
    subjects.push(running.use(subject));
  }
  const measurement = new Measurement(options, loader);
  const samples = new Map(
    names.map((name) => [name, new Map(subjects.map((subject) => [subject.name, [] as Sample[]]))]),
  );
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      // Each is the first one as often as the other.
      const inTurn = round % 2 === 0 ? subjects : subjects.toReversed();
      for (const subject of inTurn) {
        const sample = await measurement.sample(subject, name, seconds);
        // Round 0 warms both up.
        if (round > 0) samples.get(name)!.get(subject.name)!.push(sample);
        const which = round === 0 ? "warm-up" : `round ${round}`;
        report(`${which}: ${subject.name}, ${name}: ${Math.round(sample.perSecond)}/s, ${sample.cpu.toFixed(1)} us`);
      }
    }
  }
  return {
    rows: names.map((name) => rowOf(name, Object.fromEntries(samples.get(name)!))),
    memory: subjects.map(({ name, empty, loaded }) => ({ subject: name, empty, loaded })),
  };
}
