/**
 * Memory map of the packet engine, and the numeric codes that cross its border.
 *
 * Plain constants, imported by the AssemblyScript compiler and by TypeScript. They are the contract between the two
 * engines (the twins), the transports that fill the slots, and the control thread that reads the counters.
 *
 * The memory, from address 0; each region starts on a cache line (64 bytes), at the address that the header gives:
 *
 *   header | lanes | exchange area | exempt networks | shards | limiter tables | index | entries
 *
 * Offsets are in bytes, and fields are u32 unless their comment says otherwise. Words of the map are little-endian.
 * Packets inside slots stay big-endian, as on the wire.
 */

/* ---- Packets (docs/protocol.md) ---- */

export const ANNOUNCEMENT_MAGIC = 0x20121025;
export const QUERY_MAGIC = 0x19760309;
/** Offset of the NodeID in an announcement, after magic (4), port and reserved (2 + 2) and length (4). */
export const ANNOUNCEMENT_ID = 12;
/** Offset of the NodeID in a query, after magic (4) and length (4). */
export const QUERY_ID = 8;
/** Largest value of the option maxIdLength, in bytes. */
export const MAX_ID_LENGTH = 1008;
/** Longest valid packet, in bytes: an announcement with a NodeID of 1008 bytes and an IPv6 address. */
export const MAX_PACKET = 1040;

/* ---- Decoding status: below STATUS_SHORT the packet type, from STATUS_SHORT on the reason for rejecting it ---- */

export const STATUS_ANNOUNCEMENT = 0;
export const STATUS_QUERY = 1;
export const STATUS_SHORT = 2;
export const STATUS_BAD_MAGIC = 3;
export const STATUS_BAD_RESERVED = 4;
export const STATUS_BAD_ID_LENGTH = 5;
export const STATUS_BAD_IP_LENGTH = 6;
export const STATUS_TRAILING = 7;

/* ---- Columns of a batch of packets (columns.ts): each has one u32 per packet. They follow each other in this order ---- */

/** Where the datagram is, in bytes from the start of the room, and its length. */
export const COLUMN_OFFSET = 0;
export const COLUMN_LENGTH = 1;
/** The fields of the packet. Offsets are in bytes from the start of the room too. */
export const COLUMN_STATUS = 2;
export const COLUMN_PORT = 3;
export const COLUMN_ID_OFFSET = 4;
export const COLUMN_ID_LENGTH = 5;
export const COLUMN_IP_OFFSET = 6;
export const COLUMN_IP_LENGTH = 7;
/** Number of columns. */
export const COLUMNS = 8;
/** Returned instead of a number of packets: a row is wrong, so nothing more was done. */
export const REFUSED = 0xffffffff;

/* ---- Verdicts: the outcome for each datagram. A verdict is also the number of its counter ---- */

export const VERDICT_ANSWERED = 0;
export const VERDICT_UNKNOWN = 1;
export const VERDICT_STORED = 2;
export const VERDICT_REFRESHED = 3;
export const VERDICT_MALFORMED = 4;
export const VERDICT_LIMITED_SOURCE = 5;
export const VERDICT_LIMITED_NODE = 6;
export const VERDICT_LIMITED_NEW = 7;
export const VERDICT_FULL = 8;
export const VERDICT_REFUSED_ID = 9;
export const VERDICT_REFUSED_PORT = 10;
export const VERDICT_REFUSED_SOURCE = 11;
export const VERDICT_REFUSED_DEVICE = 12;
/** Number of verdicts. */
export const VERDICTS = 13;

/* ---- Further counters, numbered on from the verdicts ---- */

/** Datagrams processed: always the sum of the verdict counters. */
export const COUNTER_RECEIVED = 13;
/** Datagrams that passed only because of the dry run, by the limit that they exceeded. */
export const COUNTER_DRY_SOURCE = 14;
export const COUNTER_DRY_NODE = 15;
export const COUNTER_DRY_NEW = 16;
/** Counted by the transport: replies that the kernel refused to send. */
export const COUNTER_UNSENT = 17;
/** Counted by the transport: errors that the socket reported for earlier replies. */
export const COUNTER_SOCKET_ERRORS = 18;
/** Entries that gave way to a new node because the registry was full. */
export const COUNTER_DISPLACED = 19;
/** Number of counters in a lane. */
export const COUNTERS = 20;

/* ---- Header, at address 0 ---- */

/** Value of H_MAGIC: marks the memory as an engine's. */
export const LAYOUT_MAGIC = 0x57484552;
/** Value of H_VERSION. */
export const LAYOUT_VERSION = 3;

export const H_MAGIC = 0;
export const H_VERSION = 4;
/** Number of lanes. */
export const H_LANES = 8;
/** Number of entries that the registry can hold. */
export const H_CAPACITY = 12;
/** Longest accepted NodeID, in bytes. */
export const H_MAX_ID = 16;
/** Size of an entry, in bytes: a multiple of 8. */
export const H_STRIDE = 20;
/** Number of shards minus 1. The number of shards is a power of two. */
export const H_SHARD_MASK = 24;
/** Number of index slots per shard. */
export const H_INDEX_SLOTS = 28;
/** Number of sets per limiter table minus 1. The number of sets is a power of two. */
export const H_SET_MASK = 32;
/** 1: exceeded limits are counted but not enforced. */
export const H_DRY_RUN = 36;
/** Number of networks that are exempt from limits. */
export const H_ALLOWED = 40;
/** 1: all workers must stop. Set by the control thread. */
export const H_STOP = 44;
/** Addresses of the regions. */
export const H_LANES_AT = 48;
export const H_LIMITERS_AT = 52;
export const H_SHARDS_AT = 56;
/** Address of entry 0, which is never used: number 0 means "no entry" in the index, the queues and the free list. */
export const H_ENTRIES_AT = 60;
export const H_INDEX_AT = 64;
export const H_ALLOWED_AT = 68;
export const H_EXCHANGE_AT = 72;
/** Number of entries that were merged and not skipped. This counter and the next two wrap around at 2^32. */
export const H_MERGED = 76;
/** Number of entries that were not merged because the registry was full. */
export const H_MERGE_FULL = 80;
/** Number of entries that were merged with the current time: their own time was too far in the future. */
export const H_MERGE_AHEAD = 84;
/** f64: how long an announcement is valid, in milliseconds. */
export const H_RETENTION = 88;
/** f64: time of the last sweep that evicted everything that had expired, in ms; -1 before the first. */
export const H_LAST_SWEEP = 96;
/** 1 on processors that may reorder reads: all but x86. */
export const H_WEAK_ORDERING = 104;
/** 1: the registry contradicts itself, so the server must stop. Set by the engine, read by the control thread. */
export const H_DAMAGED = 108;
/**
 * Lock of the pool of entries: 0 if free, else 1 + the number of the lane that holds it. The pool has a cache line of
 * its own.
 */
export const H_POOL_LOCK = 128;
/** First entry of the free list, or 0. */
export const H_POOL_FREE = 132;
/** Highest entry that was ever in use. Entries above it are free without being in the free list. */
export const H_POOL_TOP = 136;
/** Number of entries in use. */
export const H_POOL_USED = 140;
/** LIMITS limits of LIMIT_SIZE bytes each, as GCRA needs them (limiter.ts). */
export const H_LIMITS = 192;
export const LIMIT_SIZE = 16;
/** f64: milliseconds between packets at the allowed rate; 0: no limit. */
export const LIMIT_INTERVAL = 0;
/** f64: milliseconds that a burst may run ahead of the rate. */
export const LIMIT_TOLERANCE = 8;
/**
 * Numbers of the limits, and of their tables. Each of these four takes four numbers, which begin with the given one: the
 * source's own limit, then two limits that it shares with others, then its reserve (limiter.ts). What is shared is a
 * network, IPv4 /24 or IPv6 /48. Of LIMIT_NODE the first is that of a source and a NodeID together, and what is shared is
 * the NodeID; its third number is not used.
 */
export const LIMIT_QUERIES = 0;
export const LIMIT_ANNOUNCEMENTS = 4;
export const LIMIT_NEW = 8;
export const LIMIT_NODE = 12;
/** Added to one of the above: the first of its shared limits, and its reserve. */
export const LIMIT_SHARED = 1;
export const LIMIT_RESERVE = 3;
/** Number of limits. */
export const LIMITS = 16;
/** How far reserves may exceed a shared limit: by as much as it allows in this time, in ms. */
export const RESERVE_MS = 1000;
/** Secret key of the hash (hash.ts). It has three parts. First: four words for the final mixing. */
export const H_KEY = 448;
/** Second part of the key: four words for sources. */
export const H_KEY_SOURCE = 464;
/** Third part of the key: one word per word of the longest NodeID. */
export const H_KEY_ID = 480;
/** Size of all three parts, in bytes. */
export const KEY_SIZE = 1040;
export const HEADER_SIZE = 1536;

/* ---- Lane: the area of one worker. First a cache line with the words below, then counters, then slots ---- */

/** The most lanes that a memory can have. */
export const MAX_LANES = 1024;

/**
 * Sequence counter: odd while a batch is processed. What was read of the lane's counters is consistent if this was even
 * before and has not changed since.
 */
export const LANE_SEQUENCE = 0;
/** Heartbeat: the worker increments it again and again, even while it is idle or waits for a lock. */
export const LANE_HEARTBEAT = 4;
/**
 * Change record: describes the registry change that the lane is making. If its worker dies, repair.ts uses the record
 * to undo or finish the change before it frees the lock. RECORD_STEP is a STEP code; the other fields depend on the
 * step.
 */
export const RECORD_STEP = 8;
/** Entry that is inserted, refreshed or removed. */
export const RECORD_ENTRY = 12;
/** With STEP_LINKING: neighbors in the queue between which the entry is linked, or 0. */
export const RECORD_PREVIOUS = 16;
export const RECORD_NEXT = 20;
/**
 * Refresh: copy of the entry's old fields, the ENTRY_ID bytes before its NodeID. Other steps use the same bytes for the
 * fields below.
 */
export const RECORD_OLD_FIELDS = 24;
/** Insertion: address of the entry's index slot. Removal: number of the index slot that is the gap (closeGap). */
export const RECORD_SLOT = 24;
/** Insertion and removal: SHARD_COUNT before the change. */
export const RECORD_COUNT = 28;
/** Changes of the pool: H_POOL_FREE, H_POOL_TOP and H_POOL_USED before the change. */
export const RECORD_FREE = 32;
export const RECORD_TOP = 36;
export const RECORD_USED = 40;

/** Values of RECORD_STEP. None: no change is in progress, whatever the other fields contain. */
export const STEP_NONE = 0;
export const STEP_REFRESH = 1;
/** An insertion takes an entry from the pool, then adds it to the shard. */
export const STEP_ALLOCATE = 2;
export const STEP_INSERT = 3;
/** A removal takes the entry out of the shard, then returns it to the pool. */
export const STEP_REMOVE = 4;
export const STEP_RELEASE = 5;
/**
 * Flag with STEP_REFRESH or STEP_INSERT: the entry is being linked into the queue, see RECORD_PREVIOUS and RECORD_NEXT.
 */
export const STEP_LINKING = 8;

/** COUNTERS counters, f64 each. */
export const LANE_COUNTERS = 64;
/** 1: this lane's worker must stop because another worker replaces it. Set by the control thread. */
export const LANE_RETIRED = 248;
/** BATCH slots of SLOT_SIZE bytes each. */
export const LANE_SLOTS = 256;
/** Most datagrams in a batch. */
export const BATCH = 64;

/**
 * Slot: holds one datagram, then its reply in the same place. A reply contains the NodeID of its query, and its header
 * is 4 bytes longer than a query's. So the reply starts 4 bytes before the query, and the NodeID does not have to be
 * moved.
 */

/** Length of the datagram, in bytes. */
export const SLOT_LENGTH = 0;
/** Output: length of the reply, in bytes; 0: no reply. */
export const SLOT_REPLY_LENGTH = 4;
/** Output: the verdict. */
export const SLOT_VERDICT = 8;
/** Source address as a struct sockaddr_in6 of SOURCE_SIZE bytes. IPv4 addresses are mapped: ::ffff:a.b.c.d. */
export const SLOT_SOURCE = 12;
/** Offsets in the sockaddr_in6: the port (u16, big-endian) and the address (16 bytes). */
export const SOURCE_PORT = 2;
export const SOURCE_ADDRESS = 8;
export const SOURCE_SIZE = 28;
/**
 * Output: 0, or 1 + the number of the first limit that the datagram exceeded, even if a dry run let it pass. If it found no
 * room in a limit that its source shares, nor in its reserve, that is the shared limit. Limits are numbered as LIMIT_QUERIES
 * and so on say.
 */
export const SLOT_LIMIT = 40;
export const SLOT_REPLY = 44;
export const SLOT_PACKET = 48;
export const SLOT_SIZE = 1088;
export const LANE_SIZE = 69888;

/** Third word of an IPv4-mapped address ::ffff:a.b.c.d. The first two are 0, the fourth is the IPv4 address. */
export const IPV4_MAPPED = 0xffff0000;

/* ---- Limiter: per limit a table of sets. A set is a cache line with SET_WAYS slots; each slot is one key's bucket ---- */

export const SET_SIZE = 64;
export const SET_WAYS = 5;
/** f64 per slot: when the bucket will be empty, in ms. */
export const SET_TIMES = 0;
/** u32 per slot: tag of the key that owns the slot. */
export const SET_TAGS = 40;

/** A network that is exempt from limits: four words of address, then four words of mask. */
export const ALLOWED_SIZE = 32;

/* ---- Registry ---- */

/**
 * Shard: a cache line with the lock, the sequence counter, the number of entries, and the queue in order of
 * announcement.
 */
export const SHARD_SIZE = 64;
/** 0 if free, else 1 + the number of the lane that holds the lock. */
export const SHARD_LOCK = 0;
/**
 * Odd while the shard's entries or index are written. Lookups do not lock: they read again if it was odd or has
 * changed.
 */
export const SHARD_SEQUENCE = 4;
/** Number of entries in the shard. */
export const SHARD_COUNT = 8;
/** First entry of the queue (announced longest ago), or 0. */
export const SHARD_HEAD = 12;
/** Last entry of the queue (announced most recently), or 0. */
export const SHARD_TAIL = 16;
/**
 * Cursors: positions in the queue. Each is the number of the last entry that the cursor has passed, or 0 at the start.
 * When that entry leaves its place in the queue, the cursor moves back to the entry before it.
 */
export const SHARD_CURSORS = 44;
/** All entries up to here are confirmed: the search for one that can give way to a new node starts here. */
export const SHARD_CONFIRMED = 44;
/**
 * The last entry that was inserted before the tail. The next entry from a journal belongs close to it, so the search
 * for a place starts here and at the tail.
 */
export const SHARD_INSERT_HINT = 48;
/** The journal has saved local announcements up to here. */
export const SHARD_SAVED = 52;
/** Local announcements up to here have been handed to the journal. */
export const SHARD_LISTED = 56;
/** The current walk over all entries has come this far. */
export const SHARD_WALKED = 60;

/** Index slot: the tag of an entry's hash, and the entry's number (0: empty). The slot's place depends on the tag. */
export const INDEX_SIZE = 8;
export const INDEX_TAG = 0;
export const INDEX_ENTRY = 4;

/** Entry: neighbors in the queue. ENTRY_NEXT also links the free list. */
export const ENTRY_PREVIOUS = 0;
export const ENTRY_NEXT = 4;
/** f64: time of the announcement in ms. The fraction orders announcements of the same millisecond. */
export const ENTRY_TIME = 8;
/** Tag of the NodeID's hash. */
export const ENTRY_TAG = 16;
/** Port in the upper 16 bits, the META flags, length of the NodeID in bytes; 0 in a free entry. */
export const ENTRY_META = 20;
/** 16 bytes of IPv6 address; IPv4 as ::ffff:a.b.c.d. */
export const ENTRY_ADDRESS = 24;
/** NodeID, padded with zeros to whole words. */
export const ENTRY_ID = 40;
export const META_LENGTH = 0x1fff;
/**
 * The node is a device of Syncthing that announced itself over HTTPS with its certificate. Such entries come only through
 * merge(). An announcement without a certificate does not replace them. They are not listed: the journal keeps devices
 * in a section of their own.
 */
export const META_AUTHENTICATED = 0x2000;
/** The node was announced at least twice. A full registry gives up only entries without this flag. */
export const META_CONFIRMED = 0x4000;
/**
 * The entry was merged from a journal, not announced to this server. It need not be sent to the journal again. merge() sets
 * this flag. Only for an authenticated entry the caller sets it, since the device may have announced itself to this server.
 */
export const META_FROM_JOURNAL = 0x8000;

/** Milliseconds that a journal's time may be ahead of `now`: the clocks of two machines differ slightly. */
export const MAX_CLOCK_SKEW = 1000;
/** Milliseconds added to a second announcement of a node in the same millisecond, so that its time is later. */
export const TIME_STEP = 0.0009765625;

/** Most expired entries that are evicted before a change of a shard: more than one, so that eviction catches up with the queue. */
export const EVICT_STEPS = 2;
/**
 * Most confirmed entries that one search for an unconfirmed one passes, after a change of the registry: more than one, so
 * that the search catches up with the queue.
 */
export const SEARCH_STEPS = 2;
/** The same when a full registry needs a place. The lock is then held for some 0.1 ms, and the next search goes on from there. */
export const FULL_SEARCH_STEPS = 1024;

/* ---- Exchange area: entries for a journal, from a journal or from HTTPS, in the same layout as in the registry ---- */

/** Number of entries that fit into the exchange area. */
export const EXCHANGE_ENTRIES = 256;
/**
 * Most entries that are listed while a shard is locked. The lock is then held for 7 µs, or 14 µs with NodeIDs of 1008
 * bytes (bench/journal/main.ts).
 */
export const LIST_BATCH = 32;
/**
 * Flags in the result of collect(). More: the shard has further entries. Busy: the shard is locked, nothing was done.
 */
export const LIST_MORE = 0x10000;
export const LIST_BUSY = 0x20000;
/** Commands of moveCursor(). Confirm: the journal has saved everything that was listed. */
export const CURSOR_CONFIRM = 0;
/** The journal failed: list again everything that it has not saved. */
export const CURSOR_REWIND = 1;
/** The journal lost its contents: list again all local announcements. */
export const CURSOR_RESET = 2;
/** Treat all entries as saved. */
export const CURSOR_CONFIRM_ALL = 3;
/** Start a new walk. */
export const CURSOR_RESTART_WALK = 4;
