/**
 * XDR (RFC 4506) by schema: types, encoders, strict decoders. For Bun, Node and browsers. Start with {@link struct}, {@link encode}
 * and {@link decode}.
 *
 * @module whereabouts/xdr
 */
export { refine, transform } from "./adapt.ts";
export { array, fixedArray, list, type XdrArray } from "./array.ts";
export {
  bool,
  constant,
  double,
  enumType,
  fixedOpaque,
  float,
  hyper,
  int,
  opaque,
  type StringOptions,
  type StringValues,
  safeHyper,
  safeUhyper,
  string,
  uhyper,
  uint,
  voidType,
  type XdrConstant,
  type XdrEnum,
  type XdrFixedOpaque,
  type XdrOpaque,
  type XdrString,
} from "./basic.ts";
export { decode } from "./decode.ts";
export { allowCodeGeneration } from "./emit/compile.ts";
export { encode, encodeInto } from "./encode.ts";
export { lazy } from "./lazy.ts";
export { nested } from "./nested.ts";
export { optional, type XdrOptional } from "./optional.ts";
export type { XdrWriterOptions } from "./options.ts";
export { type ArmValue, type Read, XdrReader } from "./reader.ts";
export { MAX_LENGTH } from "./runtime/check.ts";
export { DEFAULT_MAX_DEPTH, type DecodeOptions, type XdrOptions } from "./runtime/entry.ts";
export { XdrError, type XdrErrorCode } from "./runtime/error.ts";
export { type Fields, type StructValue, struct, type XdrStruct } from "./struct.ts";
export { decodeBase64, decodeHex, encodeBase64, encodeHex } from "./text.ts";
export { type DecodeResult, type Infer, type ValidateResult, type XdrKind, XdrType } from "./type.ts";
export { type Arm, type UnionValue, union, type XdrUnion } from "./union.ts";
export { type Write, XdrWriter } from "./writer.ts";
