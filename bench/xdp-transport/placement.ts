/** Which processors are used: one for the load, and one for what is measured. */
import { allowedProcessors } from "../server/machine.ts";

/** Numbers of processors. */
export interface Placement {
  readonly server: number;
  readonly load: number;
}

/** @returns undefined if there is only one processor */
export function placement(): Placement | undefined {
  const [server, load] = allowedProcessors();
  return server === undefined || load === undefined ? undefined : { server, load };
}
