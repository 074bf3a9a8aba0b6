/** The interface between `whereabouts watch` and the nodes or devices that it watches. */
import type { DiscoveryError } from "../../client/index.ts";
import type { Style } from "../terminal/style.ts";
import type { Row, RowKind } from "../terminal/table.ts";

export interface Watched {
  readonly kind: RowKind;
  /** All that are there now. */
  rows(): Row[];
  /** Calls `listener` for each change, with the key of a row. */
  onChange(listener: (type: ChangeType, key: string) => void): void;
  onError(listener: (error: DiscoveryError) => void): void;
  /** A line for each change, as text or as JSON. */
  lines(json: boolean, style: Style): AsyncIterable<string>;
}

export type ChangeType = "new" | "moved" | "gone";
