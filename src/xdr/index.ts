export { transform } from "./adapt.ts";
export { array, fixedArray, list } from "./array.ts";
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
  string,
  uhyper,
  uint,
  voidType,
  type XdrEnum,
} from "./basic.ts";
export { decode } from "./decode.ts";
export { encode, encodeInto } from "./encode.ts";
export { XdrError, type XdrErrorCode } from "./error.ts";
export { lazy } from "./lazy.ts";
export { optional } from "./optional.ts";
export {
  DEFAULT_MAX_DEPTH,
  type DecodeOptions,
  MAX_LENGTH,
  type XdrOptions,
  type XdrWriterOptions,
} from "./options.ts";
export { type ArmValue, type Read, XdrReader } from "./reader.ts";
export { type Fields, type StructValue, struct } from "./struct.ts";
export { type DecodeResult, type Infer, XdrType } from "./type.ts";
export { type Arm, type UnionValue, union } from "./union.ts";
export { type Write, XdrWriter } from "./writer.ts";
