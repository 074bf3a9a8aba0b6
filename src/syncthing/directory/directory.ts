/** The interface between HTTP requests and the server that they ask: what it knows, stores and limits. */

/** A device that the server knows. */
export interface Found {
  /** Time of its last announcement, in ms since 1970. */
  readonly seen: number;
  /** At least one URL. */
  readonly addresses: readonly string[];
}

/** Limits by source, which HTTPS shares with UDP: `queries` per second, `announcements` per second, and of these, `new` devices. */
export type DirectoryLimit = "queries" | "announcements" | "new";

export interface Directory {
  /**
   * @param id - 32 bytes
   * @returns undefined if no address of the device is valid now; "busy" if that cannot be read now
   */
  lookUp(id: Uint8Array): Found | "busy" | undefined;
  /**
   * Stores addresses of a device for two hours, beside those that it announced before.
   *
   * @param addresses - URLs, checked, without doubles
   * @returns "full" if there is no room for another device
   */
  announce(id: Uint8Array, addresses: readonly string[]): Promise<"new" | "known" | "full">;
  /** Whether the device is known: an announcement of another one counts for the limit `new`. */
  has(id: Uint8Array): boolean;
  /**
   * Whether a request of a source may pass by a limit, which is charged then.
   *
   * @param source - 16 bytes; IPv4 as ::ffff:a.b.c.d
   */
  passes(source: Uint8Array, limit: DirectoryLimit): boolean;
}
