import { checkArray, refuse } from "../xdr/check.ts";
import type { Backend } from "./backend.ts";
import { checkInput, checkPacket, checkRoom } from "./check.ts";
import { PacketError } from "./error.ts";
import { PacketFields, packetOf, resultOf } from "./fields.ts";
import { tsBackend } from "./ts.ts";
import type { Codec, CodecOptions, Packet } from "./types.ts";
import { createWasmBackend } from "./wasm.ts";

/**
 * Makes a codec. WebAssembly is compiled when the first codec needs it, never by importing this module.
 *
 * @returns the codec; its `backend` says which it became
 * @throws {Error} if `"wasm"` is asked for and cannot be loaded: there is no WebAssembly, or it is forbidden, as by a
 *   Content-Security-Policy without `'wasm-unsafe-eval'`. The `cause` says why. `"auto"` never throws
 * @throws {TypeError} or {RangeError} if `backend` is something else
 * @example
 * const codec = createCodec();
 * codec.decode(codec.encode({ type: "announcement", nodeId, port: 22000, ip: new Uint8Array(0) }));
 */
export function createCodec({ backend = "auto" }: CodecOptions = {}): Codec {
  switch (backend) {
    case "ts":
      return codecOf(tsBackend);
    case "wasm":
      try {
        return codecOf(createWasmBackend());
      } catch (cause) {
        throw new Error(`the wasm codec cannot be loaded here: ask for "ts" or "auto" (${cause})`, { cause });
      }
    case "auto":
      try {
        return codecOf(createWasmBackend());
      } catch {
        return codecOf(tsBackend);
      }
    default:
      return refuse("backend", backend, "string", '"wasm", "ts" or "auto"');
  }
}

function codecOf(backend: Backend): Codec {
  // No caller's code runs between the filling of these and their last use.
  const found = new PacketFields();

  function encode(packet: Packet): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(checkPacket(packet));
    backend.write(packet, bytes, 0);
    return bytes;
  }

  return {
    backend: backend.name,
    decode(bytes) {
      checkInput("bytes", bytes);
      if (!backend.judge(bytes, found)) throw new PacketError(found.code!, found.errorOffset);
      return packetOf(bytes, found);
    },
    tryDecode(bytes) {
      checkInput("bytes", bytes);
      backend.judge(bytes, found);
      return resultOf(bytes, found);
    },
    decodeInto(bytes, fields) {
      checkInput("bytes", bytes);
      return backend.judge(bytes, fields);
    },
    decodeMany(list) {
      checkArray("list", list);
      for (let i = 0; i < list.length; i++) {
        const bytes = list[i]!;
        if (!(bytes instanceof Uint8Array)) checkInput(`list[${i}]`, bytes);
      }
      return backend.judgeMany(list);
    },
    encode,
    encodeInto(packet, target, offset = 0) {
      const size = checkPacket(packet);
      checkRoom(target, offset, size);
      backend.write(packet, target, offset);
      return size;
    },
    encodeMany(packets) {
      checkArray("packets", packets);
      // On wasm too one by one: a call costs less than the table that a batch would need.
      return Array.from(packets, (packet) => encode(packet));
    },
  };
}
