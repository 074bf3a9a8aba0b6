/** The family of an IP address, without `node:net`: to load that module takes a fifth of a program's start. */
import { tryIpFromText } from "./ip.ts";

/** An address, and its zone if it has one. */
const PARTS = /^([^%]*)(%[\da-z.:-]+)?$/i;

/** The family of an address without brackets, with or without a zone; `undefined` for any other text. */
export function ipFamily(text: string): 4 | 6 | undefined {
  const [, address = "", zone] = PARTS.exec(text) ?? [];
  const length = tryIpFromText(address)?.length;
  if (length === 16) return 6;
  return length === 4 && zone === undefined ? 4 : undefined;
}
