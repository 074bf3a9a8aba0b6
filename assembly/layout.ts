/**
 * The memory map of the packet engine and the codes that cross its border.
 *
 * Plain numbers, imported by the AssemblyScript and by the TypeScript compiler: what stands here is the contract between
 * the two engines, the transports that fill the inbox and the control thread that reads the counters. All words of the
 * map are little-endian; what lies in a packet is big-endian as on the wire. Offsets are in bytes.
 */

/* ---- The wire (docs/protocol.md) ---- */

export const ANNOUNCEMENT_MAGIC = 0x20121025;
export const QUERY_MAGIC = 0x19760309;
/** Offset of the NodeID in an announcement: magic, port and reserved, length. */
export const ANNOUNCEMENT_ID = 12;
/** Offset of the NodeID in a query: magic, length. */
export const QUERY_ID = 8;
/** The longest NodeID that any server can be told to take. */
export const MAX_ID_LENGTH = 1008;
/** The longest packet a server can be sent that it might take: an announcement of 1008 bytes of NodeID and an IPv6 address. */
export const MAX_PACKET = 1040;

/* ---- What decoding says: below STATUS_SHORT a packet, from there on the reason why it is none ---- */

export const STATUS_ANNOUNCEMENT = 0;
export const STATUS_QUERY = 1;
export const STATUS_SHORT = 2;
export const STATUS_BAD_MAGIC = 3;
export const STATUS_BAD_RESERVED = 4;
export const STATUS_BAD_ID_LENGTH = 5;
export const STATUS_BAD_IP_LENGTH = 6;
export const STATUS_TRAILING = 7;

/* ---- Verdicts: what became of a datagram. Each is also the number of its counter ---- */

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
export const VERDICTS = 11;

/** Counters beside those of the verdicts: datagrams taken, and those that a limit would have stopped in a dry run. */
export const COUNTER_RECEIVED = 11;
export const COUNTER_DRY_SOURCE = 12;
export const COUNTER_DRY_NODE = 13;
export const COUNTER_DRY_NEW = 14;
/** Kept by the transport: replies that the kernel would not take, and errors that earlier replies brought back. */
export const COUNTER_UNSENT = 15;
export const COUNTER_SOCKET_ERRORS = 16;
export const COUNTERS = 17;

/* ---- Header, at address 0. u32 unless it says f64 ---- */

export const LAYOUT_MAGIC = 0x57484552;
export const LAYOUT_VERSION = 1;

export const H_MAGIC = 0;
export const H_VERSION = 4;
export const H_LANES = 8;
export const H_CAPACITY = 12;
export const H_MAX_ID = 16;
export const H_STRIDE = 20;
/** Number of shards less one; the number is a power of two. */
export const H_SHARD_MASK = 24;
/** Index slots of one shard. */
export const H_INDEX_SLOTS = 28;
/** Sets of one limiter table less one; the number is a power of two. */
export const H_SET_MASK = 32;
/** 1: limits are counted, not enforced. */
export const H_DRY_RUN = 36;
/** Number of networks that no limit holds for. */
export const H_ALLOWED = 40;
/** Set by the control thread: workers are to stop. */
export const H_STOP = 44;
/** Addresses of the regions. H_ENTRIES_AT is that of entry 0, which is never used: 0 means "none" in index and queues. */
export const H_LANES_AT = 48;
export const H_LIMITERS_AT = 52;
export const H_SHARDS_AT = 56;
export const H_ENTRIES_AT = 60;
export const H_INDEX_AT = 64;
export const H_ALLOWED_AT = 68;
export const H_EXCHANGE_AT = 72;
/** What became of merged entries, counted modulo 2^32: taken; without room; of a time to come that was taken for now. */
export const H_MERGED = 76;
export const H_MERGE_FULL = 80;
export const H_MERGE_AHEAD = 84;
/** f64, milliseconds. */
export const H_RETENTION = 88;
/** f64: when the last sweep that found all there was to expire took place. */
export const H_LAST_SWEEP = 96;
/** 1 on processors that may let one read overtake another: all but x86. */
export const H_WEAK_ORDERING = 104;
/** The pool of entries: lock, first free entry, entries ever used, entries in use. A cache line of its own. */
export const H_POOL_LOCK = 128;
export const H_POOL_FREE = 132;
export const H_POOL_TOP = 136;
export const H_POOL_USED = 140;
/** Limits, one of LIMIT_SIZE each: f64 milliseconds a packet, f64 milliseconds that a burst may run ahead. Interval 0: no limit. */
export const H_LIMITS = 192;
export const LIMIT_SIZE = 16;
export const LIMIT_INTERVAL = 0;
export const LIMIT_TOLERANCE = 8;
/** Limits on networks come in pairs: IPv4 /24, and IPv6 /48. */
export const LIMIT_SOURCE = 0;
export const LIMIT_SOURCE_NETWORK = 1;
export const LIMIT_NODE = 3;
export const LIMIT_NEW = 4;
export const LIMIT_NEW_NETWORK = 5;
export const LIMITS = 7;
/** The secret of the keyed hash: four words for its end, four for sources, then one for each word of a NodeID. */
export const H_KEY = 320;
export const H_KEY_SOURCE = 336;
export const H_KEY_ID = 352;
export const KEY_SIZE = 1040;
export const HEADER_SIZE = 1408;

/* ---- Lane: what one worker uses. A line of its own for the sequence counter, the counters, then the slots ---- */

/** Odd while a batch is under way: counters are read between two equal even values. */
export const LANE_SEQUENCE = 0;
/** Moves on as long as the worker lives: with each batch, several times a second without one, and while it waits for another. */
export const LANE_HEARTBEAT = 4;
/**
 * The record of the change to the registry that is under way, in the rest of the line: with it, whoever finds the lock of a
 * lane that died has the change undone, or done to its end. Which change, its entry, and what that is being linked between.
 */
export const RECORD_STEP = 8;
export const RECORD_ENTRY = 12;
export const RECORD_PREVIOUS = 16;
export const RECORD_NEXT = 20;
/** Of a refresh: the entry as it was, down to its NodeID. */
export const RECORD_OLD_FIELDS = 24;
/** Of a redating (f64): to when. */
export const RECORD_TIME = 24;
/** Of an insertion the address of its index slot, of a removal the number of the slot that is being closed; and the entries there were. */
export const RECORD_SLOT = 24;
export const RECORD_COUNT = 28;
/** Of what the pool is changed by: what it was. */
export const RECORD_FREE = 32;
export const RECORD_TOP = 36;
export const RECORD_USED = 40;

/** Steps of a record. None: there is nothing to be done, whatever else it says. */
export const STEP_NONE = 0;
export const STEP_REFRESH = 1;
/** The pool is being changed, and then the shard: an insertion, */
export const STEP_ALLOCATE = 2;
export const STEP_INSERT = 3;
/** or the other way round: a removal. */
export const STEP_REMOVE = 4;
export const STEP_RELEASE = 5;
export const STEP_CLAMP = 6;
/** Beside the step of a refresh or an insertion: the queue is being changed as RECORD_PREVIOUS and RECORD_NEXT say. */
export const STEP_LINKING = 8;

/** f64 each. */
export const LANE_COUNTERS = 64;
/** Set by the control thread: the lane's worker is to stop, another has taken its place. */
export const LANE_RETIRED = 248;
export const LANE_SLOTS = 256;
/** Datagrams in a batch at most. */
export const BATCH = 64;

/**
 * Slot: a datagram on its way in and, in its place, the reply on its way out. A reply bears the NodeID of its query, and a
 * reply's header is 4 bytes longer: so it starts 4 bytes before the query and NodeID and length are already where they
 * belong.
 */
export const SLOT_LENGTH = 0;
/** Out: bytes of the reply, 0 for silence. */
export const SLOT_REPLY_LENGTH = 4;
/** Out. */
export const SLOT_VERDICT = 8;
/** The source as struct sockaddr_in6, IPv4 as ::ffff:a.b.c.d: port at 2 (big-endian), address at 8. */
export const SLOT_SOURCE = 12;
export const SOURCE_PORT = 2;
export const SOURCE_ADDRESS = 8;
export const SOURCE_SIZE = 28;
export const SLOT_REPLY = 44;
export const SLOT_PACKET = 48;
export const SLOT_SIZE = 1088;
export const LANE_SIZE = 69888;

/** The third word of ::ffff:a.b.c.d, the first two being 0. */
export const IPV4_MAPPED = 0xffff0000;

/* ---- Limiter: tables of sets, a set is a cache line of five slots ---- */

export const SET_SIZE = 64;
export const SET_WAYS = 5;
/** f64 each: when the bucket of the slot is empty again. */
export const SET_TIMES = 0;
/** u32 each: which key the slot stands for. */
export const SET_TAGS = 40;

/** A network without limits: four words of address, four of mask. */
export const ALLOWED_SIZE = 32;

/* ---- Registry ---- */

/** Shard: a cache line. Lock (0, or the lane that holds it and one), sequence counter (odd while it is written), entries, queue. */
export const SHARD_SIZE = 64;
export const SHARD_LOCK = 0;
export const SHARD_SEQUENCE = 4;
export const SHARD_COUNT = 8;
/** The entry announced longest ago, and that announced last. */
export const SHARD_HEAD = 12;
export const SHARD_TAIL = 16;
/**
 * Bookmarks: each an entry of the queue, or 0 for before its head. When its entry leaves its place, a bookmark goes to the
 * one before. FINGER: the last that was put elsewhere than to the tail. KEPT, LISTED: up to here the journal has what was
 * announced, or was handed it. WALKED: so far the whole queue was handed out.
 */
export const SHARD_CURSORS = 48;
export const SHARD_INSERT_HINT = 48;
export const SHARD_SAVED = 52;
export const SHARD_LISTED = 56;
export const SHARD_WALKED = 60;

/** Index slot: the hash's first word, which also gives its place, and the entry (0: empty). */
export const INDEX_SIZE = 8;
export const INDEX_TAG = 0;
export const INDEX_ENTRY = 4;

/**
 * Entry: links of the queue (next also of the free list), time of announcement (f64: ms since 1970, its fraction telling apart
 * what was announced within one), hash, meta, address, NodeID.
 */
export const ENTRY_PREVIOUS = 0;
export const ENTRY_NEXT = 4;
export const ENTRY_TIME = 8;
export const ENTRY_TAG = 16;
/** Port in the high half, META_FROM_JOURNAL, length of the NodeID; 0 in a free entry. */
export const ENTRY_META = 20;
/** 16 bytes, IPv4 as ::ffff:a.b.c.d. */
export const ENTRY_ADDRESS = 24;
/** Padded with zeros to whole words. */
export const ENTRY_ID = 40;
export const META_LENGTH = 0x7fff;
/** Not announced to this server but merged from a journal, which need not be told of it again. */
export const META_FROM_JOURNAL = 0x8000;

/** By so much, in ms, may an announcement be ahead of the clock: clocks of several machines, or workers, never quite agree. */
export const MAX_CLOCK_SKEW = 1000;
/** What a node that is announced twice in one millisecond is later the second time. */
export const TIME_STEP = 0.0009765625;

/** The exchange area: entries on their way to a journal or from one, in the form of entries. */
export const EXCHANGE_ENTRIES = 256;
/** Entries that are looked at under one lock when entries are listed: 7 microseconds, 14 with NodeIDs of 1008 (bench/journal/main.ts). */
export const LIST_BATCH = 32;
/** Beside the count of a listing: there are more; nothing was done, the shard is locked. */
export const LIST_MORE = 0x10000;
export const LIST_BUSY = 0x20000;
/** What is set in a shard: what was handed out is kept; is to be handed out again; all of it; none of it; the walk starts anew. */
export const CURSOR_CONFIRM = 0;
export const CURSOR_REWIND = 1;
export const CURSOR_RESET = 2;
export const CURSOR_CONFIRM_ALL = 3;
export const CURSOR_RESTART_WALK = 4;
