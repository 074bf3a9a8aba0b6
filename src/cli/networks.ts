/** The parser of `--allow`. It is the server's, so it is not in values.ts, which the commands under Node use. */
import { InvalidArgumentError } from "commander";
import type { Network } from "../engine/index.ts";
import { parseNetwork } from "../server/index.ts";

/** Parses networks, separated by commas, and adds them to those of an earlier flag. */
export function networks(text: string, before: readonly Network[] = []): Network[] {
  try {
    return [...before, ...text.split(",").map((part) => parseNetwork(part.trim()))];
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}
