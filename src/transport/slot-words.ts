/** The parts of an engine's slot, as offsets in words of 32 bits; assembly/layout.ts has them in bytes. */
import { SLOT_LENGTH, SLOT_REPLY_LENGTH, SLOT_SIZE, SLOT_SOURCE, SOURCE_ADDRESS } from "../../assembly/layout.ts";

export const SLOT_WORDS = SLOT_SIZE >>> 2;
export const LENGTH_WORD = SLOT_LENGTH >>> 2;
export const REPLY_LENGTH_WORD = SLOT_REPLY_LENGTH >>> 2;
export const ADDRESS_WORD = (SLOT_SOURCE + SOURCE_ADDRESS) >>> 2;
