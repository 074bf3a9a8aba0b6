/** One announcement, as a journal keeps it. */
export interface JournalEntry {
  /** 1 to 1008 bytes. */
  readonly nodeId: Uint8Array;
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** 1 to 65535. */
  readonly port: number;
  /** Milliseconds since 1970. A fraction keeps announcements within one millisecond in order. */
  readonly announcedAt: number;
  /** Whether the node was announced at least twice: a full registry keeps such nodes. */
  readonly confirmed: boolean;
}
