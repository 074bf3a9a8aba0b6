import {
  readBool,
  readDouble,
  readFixedOpaque,
  readFixedOpaqueCopy,
  readFloat,
  readHyper,
  readInt,
  readOpaque,
  readOpaqueCopy,
  readSafeHyper,
  readSafeUhyper,
  readString,
  readStringOrBytes,
  readStringOrBytesCopy,
  readUhyper,
  readUint,
} from "../../runtime/input.ts";
import {
  writeBool,
  writeDouble,
  writeFixedOpaque,
  writeFloat,
  writeHyper,
  writeInt,
  writeOpaque,
  writeSafeHyper,
  writeSafeUhyper,
  writeString,
  writeStringOrBytes,
  writeUhyper,
  writeUint,
} from "../../runtime/output.ts";

/** Functions of runtime/ that get a length or maximum as their last argument. */
const WITH_ARGUMENT = {
  readFixedOpaque,
  readFixedOpaqueCopy,
  readOpaque,
  readOpaqueCopy,
  readString,
  readStringOrBytes,
  readStringOrBytesCopy,
  writeFixedOpaque,
  writeOpaque,
  writeString,
  writeStringOrBytes,
};
const WITHOUT_ARGUMENT = {
  readBool,
  readDouble,
  readFloat,
  readHyper,
  readInt,
  readSafeHyper,
  readSafeUhyper,
  readUhyper,
  readUint,
  writeBool,
  writeDouble,
  writeFloat,
  writeHyper,
  writeInt,
  writeSafeHyper,
  writeSafeUhyper,
  writeUhyper,
  writeUint,
};

/** A function of runtime/ that reads or writes a type without parts. */
export interface LeafFunction {
  readonly name: string;
  /** Whether it gets the argument of the type. */
  readonly takesArgument: boolean;
}

/** These functions by themselves: a bundler may have changed their own names. */
export const LEAF_FUNCTIONS: ReadonlyMap<unknown, LeafFunction> = /* @__PURE__ */ new Map<unknown, LeafFunction>([
  ...functions(WITH_ARGUMENT, true),
  ...functions(WITHOUT_ARGUMENT, false),
]);

function functions(named: object, takesArgument: boolean): [value: unknown, LeafFunction][] {
  return Object.entries(named).map(([name, value]) => [value, { name, takesArgument }]);
}
