import { checkArray, checkObject, refuse, wrongKind } from "../xdr/check.ts";
import { checkKeys } from "../xdr/keys.ts";
import { autoBackend, createAutoEngine } from "./auto.ts";
import type { Backend } from "./backend.ts";
import { createBatch } from "./batch/create.ts";
import type { CreateEngine } from "./batch/engine.ts";
import { createTsEngine } from "./batch/ts.ts";
import { createWasmEngine } from "./batch/wasm.ts";
import { checkInput, checkPacket, checkRoom } from "./check.ts";
import type { Codec, CodecOptions } from "./codec.ts";
import { errorCode, errorOffset, PacketError } from "./error.ts";
import { resultOf } from "./result.ts";
import { tsBackend } from "./ts.ts";
import type { Packet } from "./types.ts";
import { createWasmBackend } from "./wasm.ts";

/**
 * Creates a codec. WebAssembly is compiled when it is first needed: by a codec with `backend: "wasm"`, or by the first batch
 * of one with `"auto"`. Importing this module compiles nothing.
 *
 * @param options - `backend`: see {@link CodecOptions}
 * @returns the codec; its `backend` is `"wasm"` or `"ts"`
 * @throws {Error} if `backend` is `"wasm"` and WebAssembly is missing or forbidden, for instance by a
 *   Content-Security-Policy without `'wasm-unsafe-eval'`. `cause` is the original error. With `"auto"` batches run on `"ts"`
 *   then
 * @throws {TypeError} if `options` is not an object or has an unknown key, or if `backend` is not a string
 * @throws {RangeError} if `backend` is an unknown string
 * @example
 * ```ts
 * const codec = createCodec();
 * const bytes = codec.encode({ type: "query", nodeId: nodeIdFromText("NODE") });
 * bytesToHex(bytes); // => "19760309000000044e4f4445"
 * codec.decode(bytes); // => { type: "query", nodeId: Uint8Array.of(0x4e, 0x4f, 0x44, 0x45) }
 *
 * createCodec({ backend: "wasm" }).backend; // => "wasm"
 * ```
 */
export function createCodec(options: CodecOptions = {}): Codec {
  checkObject("options", options);
  checkKeys("options", options, ["backend"]);
  const { backend = "auto" } = options;
  switch (backend) {
    case "ts":
      return codecOf(tsBackend, createTsEngine);
    case "wasm":
      try {
        return codecOf(createWasmBackend(), createWasmEngine);
      } catch (cause) {
        throw new Error(`the wasm codec cannot be loaded here: ask for "ts" or "auto" (${cause})`, { cause });
      }
    case "auto":
      return codecOf(autoBackend, createAutoEngine);
    default:
      return refuse("backend", backend, "string", '"wasm", "ts" or "auto"');
  }
}

function codecOf(backend: Backend, createEngine: CreateEngine): Codec {
  function encode(packet: Packet): Uint8Array<ArrayBuffer> {
    return backend.encode(packet, checkPacket(packet));
  }

  return {
    backend: backend.name,
    decode(bytes) {
      checkInput("bytes", bytes);
      const packet = backend.decode(bytes);
      if (typeof packet === "number") throw new PacketError(errorCode(packet), errorOffset(bytes, packet));
      return packet;
    },
    tryDecode(bytes) {
      checkInput("bytes", bytes);
      return resultOf(bytes, backend.decode(bytes));
    },
    decodeInto(bytes, fields) {
      checkInput("bytes", bytes);
      if (typeof fields !== "object" || fields === null) wrongKind("fields", fields, "a PacketFields");
      return backend.locate(bytes, fields);
    },
    decodeMany(list) {
      checkArray("list", list);
      for (let i = 0; i < list.length; i++) {
        const bytes = list[i]!;
        if (!(bytes instanceof Uint8Array) || bytes.length === 0) checkInput(`list[${i}]`, bytes);
      }
      return backend.decodeMany(list);
    },
    encode,
    encodeInto(packet, target, offset = 0) {
      const size = checkPacket(packet);
      checkRoom(target, offset, size);
      backend.write(packet, size, target, offset);
      return size;
    },
    batch(options) {
      return createBatch(options, createEngine);
    },
    encodeMany(packets) {
      checkArray("packets", packets);
      // One by one on wasm too: a call costs less than writing the table that a batch would need.
      const encoded = new Array<Uint8Array<ArrayBuffer>>(packets.length);
      for (let i = 0; i < packets.length; i++) encoded[i] = encode(packets[i]!);
      return encoded;
    },
  };
}
