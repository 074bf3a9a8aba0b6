/** What a journal keeps of a node. */
export interface JournalEntry {
  /** 1 to 1008 bytes. */
  readonly nodeId: Uint8Array;
  /** 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** 1 to 65535. */
  readonly port: number;
  /** When it was announced: milliseconds since 1970. A fraction tells apart what was announced within one. */
  readonly announcedAt: number;
}
