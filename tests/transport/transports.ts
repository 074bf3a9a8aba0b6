/** Transports for tests: each in a thread of its own, with a packet engine behind it. */
import { COUNTER_RECEIVED, H_LANES_AT, LANE_COUNTERS, LANE_SIZE } from "../../assembly/layout.ts";
import {
  createEngineMemory,
  defaultEngineOptions,
  type EngineBackend,
  EngineControl,
  type EngineCounters,
} from "../../src/engine/index.ts";
import { writeAddress } from "../../src/transport/address.ts";
import type { PortSharing } from "../../src/transport/socket.ts";
import { UNLIMITED } from "../support/harness.ts";

export type Kind = "mmsg" | "udp" | "udp without system calls";

/** What the thread does wrong, beside its work. */
export type Sabotage = "sleeps at first" | "throws" | "wastes" | "spoils every third" | "closes its socket";

export interface Where {
  readonly host: string;
  readonly port: number;
  readonly reusePort?: PortSharing;
  readonly receiveBuffer?: number;
}

/** To the thread, first. */
export interface Opening extends Where {
  readonly kind: Kind;
  readonly engine: EngineBackend;
  readonly memory: WebAssembly.Memory;
  readonly lane: number;
  readonly sabotage?: Sabotage | undefined;
}

/** From the thread. */
export type Told =
  | { readonly type: "listening"; readonly port: number; readonly receiveBuffer: number | undefined }
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string }
  | { readonly type: "ended"; readonly message: string | undefined }
  /** How often it asked whether it should stop. */
  | { readonly type: "asked"; readonly asked: number }
  /** What came to its heap, and how many packets were judged, since the last time; `whole` if nothing was collected. */
  | { readonly type: "heap"; readonly cells: number; readonly packets: number; readonly whole: boolean };

export function engineMemory(lanes = 1): WebAssembly.Memory {
  return createEngineMemory({ ...defaultEngineOptions(), ...UNLIMITED, capacity: 20_000, lanes });
}

/** The 16 bytes of an IPv6 address. */
export function address6(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  writeAddress(text, bytes, 0);
  return bytes;
}

export class Running implements AsyncDisposable {
  readonly port: number;
  readonly receiveBuffer: number | undefined;
  /** When it has ended by itself or was closed: its error's message, if any. */
  readonly ended: Promise<string | undefined>;
  readonly #worker: Worker;
  readonly #control: EngineControl;
  readonly #memory: WebAssembly.Memory;
  readonly #lane: number;
  #answer: (told: Told) => void = () => {};

  private constructor(
    worker: Worker,
    memory: WebAssembly.Memory,
    lane: number,
    told: Extract<Told, { type: "listening" }>,
  ) {
    this.#worker = worker;
    this.#memory = memory;
    this.#lane = lane;
    this.#control = new EngineControl(memory);
    this.port = told.port;
    this.receiveBuffer = told.receiveBuffer;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.ended = promise;
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if (data.type === "ended") resolve(data.message);
      else this.#answer(data);
    };
  }

  /** @throws {Error} with `code`, as the transport's opening threw it. */
  static async open(
    kind: Kind,
    where: Partial<Where> & Partial<Pick<Opening, "engine" | "memory" | "lane" | "sabotage">> = {},
  ): Promise<Running> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url).href);
    const memory = where.memory ?? engineMemory();
    const told = await new Promise<Told>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Told>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage({ engine: "wasm", host: "127.0.0.1", port: 0, lane: 0, kind, ...where, memory });
    });
    if (told.type === "listening") return new Running(worker, memory, where.lane ?? 0, told);
    worker.terminate();
    throw Object.assign(new Error(told.type === "failed" ? told.message : told.type), told);
  }

  /** Packets that came to this one. */
  get received(): number {
    const lane = new Uint32Array(this.#memory.buffer)[H_LANES_AT >>> 2]! + this.#lane * LANE_SIZE;
    return new Float64Array(this.#memory.buffer, lane + LANE_COUNTERS)[COUNTER_RECEIVED]!;
  }

  /** Of all that share the memory. */
  counters(): EngineCounters {
    return this.#control.counters();
  }

  /** Sets the flag in the memory, which a blocked thread sees too. */
  stop(): void {
    this.#control.stop();
  }

  /** By a message. */
  close(): void {
    this.#worker.postMessage("close");
  }

  /** How often it asked whether it should stop. */
  async asked(): Promise<number> {
    return ((await this.#ask("asked")) as Extract<Told, { type: "asked" }>).asked;
  }

  /** What came to its heap, and how many packets were judged, since the last call; whether nothing was collected meanwhile. */
  async heap(): Promise<Extract<Told, { type: "heap" }>> {
    return (await this.#ask("heap")) as Extract<Told, { type: "heap" }>;
  }

  #ask(question: "asked" | "heap"): Promise<Told> {
    const answer = new Promise<Told>((resolve) => {
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
