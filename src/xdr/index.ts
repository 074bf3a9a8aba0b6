export { decode } from "./decode.ts";
export { encode, encodeInto } from "./encode.ts";
export { XdrError, type XdrErrorCode } from "./error.ts";
export {
  DEFAULT_MAX_DEPTH,
  type DecodeOptions,
  MAX_LENGTH,
  type XdrOptions,
  type XdrWriterOptions,
} from "./options.ts";
export { type ArmValue, type Read, XdrReader } from "./reader.ts";
export { type Write, XdrWriter } from "./writer.ts";
