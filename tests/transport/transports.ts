/** Runs transports for tests, each in its own worker with a packet engine. */
import { COUNTER_RECEIVED, H_LANES_AT, LANE_COUNTERS, LANE_SIZE } from "../../assembly/layout.ts";
import {
  createEngineMemory,
  defaultEngineOptions,
  type EngineBackend,
  EngineControl,
  type EngineCounters,
  type EngineMemory,
} from "../../src/engine/index.ts";
import type { PortSharing } from "../../src/transport/socket.ts";
import type { XdpLoan } from "../../src/transport/xdp/socket.ts";
import { UNLIMITED } from "../support/harness.ts";

export type Kind = "mmsg" | "udp" | "udp without system calls" | "xdp";

/** A fault that the worker injects. */
type Fault =
  | "sleep in the first batch"
  | "throw"
  | "allocate per packet"
  | "spoil every third source"
  | "close the socket";

export interface Where {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly reusePort?: PortSharing;
  readonly receiveBuffer?: number;
  readonly coalesce?: number;
}

/** The first message to the worker. */
export interface Opening extends Where {
  readonly kind: Kind;
  readonly engine: EngineBackend;
  readonly memory: EngineMemory;
  readonly lane: number;
  readonly fault?: Fault | undefined;
  /** The file of the network namespace in which to run, as in `/proc/PID/ns/net`. */
  readonly namespace?: string | undefined;
  /** The buffer of a {@link Recording}. */
  readonly recording?: SharedArrayBuffer | undefined;
}

/** Messages from the worker. */
export type Report =
  | {
      readonly type: "listening";
      readonly port: number;
      readonly addresses: readonly string[];
      readonly receiveBuffer: number | undefined;
    }
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string; readonly host: string }
  | { readonly type: "ended"; readonly message: string | undefined }
  /** It begins to sleep in its first batch. */
  | { readonly type: "asleep" }
  /** It serves the queue that it was lent. */
  | { readonly type: "lent" }
  /** How often the transport has called `shouldStop`. */
  | { readonly type: "asked"; readonly asked: number }
  /**
   * New heap cells and processed packets since the last report; `uncollected` if no garbage collection ran meanwhile.
   */
  | { readonly type: "heap"; readonly cells: number; readonly packets: number; readonly uncollected: boolean };

export function engineMemory(lanes = 1): EngineMemory {
  return createEngineMemory({ ...defaultEngineOptions(), ...UNLIMITED, capacity: 20_000, lanes });
}

/** A transport in a worker. */
export class Running implements AsyncDisposable {
  readonly port: number;
  readonly addresses: readonly string[];
  readonly receiveBuffer: number | undefined;
  /** Resolves when the transport has ended by itself or was closed, with the message of its error, if any. */
  readonly ended: Promise<string | undefined>;
  /** Resolves when it begins to sleep in its first batch. */
  readonly asleep: Promise<void>;
  readonly #worker: Worker;
  readonly #control: EngineControl;
  readonly #memory: EngineMemory;
  readonly #lane: number;
  #answer: (report: Report) => void = () => {};

  private constructor(
    worker: Worker,
    memory: EngineMemory,
    lane: number,
    listening: Extract<Report, { type: "listening" }>,
  ) {
    this.#worker = worker;
    this.#memory = memory;
    this.#lane = lane;
    this.#control = new EngineControl(memory);
    this.port = listening.port;
    this.addresses = listening.addresses;
    this.receiveBuffer = listening.receiveBuffer;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.ended = promise;
    const asleep = Promise.withResolvers<void>();
    this.asleep = asleep.promise;
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      if (data.type === "ended") resolve(data.message);
      else if (data.type === "asleep") asleep.resolve();
      else this.#answer(data);
    };
  }

  /** @throws {Error} with the message and `code` of the error that opening the transport threw */
  static async open(
    kind: Kind,
    where: Partial<Where> &
      Partial<Pick<Opening, "engine" | "memory" | "lane" | "fault" | "namespace" | "recording">> = {},
  ): Promise<Running> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url).href);
    const memory = where.memory ?? engineMemory();
    const report = await new Promise<Report>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Report>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage({ engine: "wasm", hosts: ["127.0.0.1"], port: 0, lane: 0, kind, ...where, memory });
    });
    if (report.type === "listening") return new Running(worker, memory, where.lane ?? 0, report);
    worker.terminate();
    throw Object.assign(new Error(report.type === "failed" ? report.message : report.type), report);
  }

  /** Packets that this transport received. */
  get received(): number {
    const lane = new Uint32Array(this.#memory.buffer)[H_LANES_AT >>> 2]! + this.#lane * LANE_SIZE;
    return new Float64Array(this.#memory.buffer, lane + LANE_COUNTERS)[COUNTER_RECEIVED]!;
  }

  /** Counters of all transports that share the memory. */
  counters(): EngineCounters {
    return this.#control.counters();
  }

  /** Sets the stop flag in the shared memory: it reaches a worker that receives no messages, too. */
  stop(): void {
    this.#control.stop();
  }

  /** Closes it by a message. */
  close(): void {
    this.#worker.postMessage("close");
  }

  /** How often the transport has called `shouldStop`. */
  async asked(): Promise<number> {
    return ((await this.#ask("asked")) as Extract<Report, { type: "asked" }>).asked;
  }

  /** New heap cells and processed packets since the last call, and whether no garbage collection ran meanwhile. */
  async heap(): Promise<Extract<Report, { type: "heap" }>> {
    return (await this.#ask("heap")) as Extract<Report, { type: "heap" }>;
  }

  /** Lends it a queue of an interface. Resolves when it serves the queue. Only of the transport xdp. */
  async lend(loan: XdpLoan): Promise<void> {
    await this.#ask(loan);
  }

  #ask(question: "asked" | "heap" | XdpLoan): Promise<Report> {
    const answer = new Promise<Report>((resolve) => {
      this.#answer = resolve;
    });
    this.#worker.postMessage(question);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.ended;
    this.#worker.terminate();
  }
}
