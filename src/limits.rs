//! Every bound of the system, in one place, with the relations between them checked at compile
//! time.
//!
//! A bound that bites is counted and shown; a finding that rests on a bounded value says
//! `lower_bound`.

use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};

/// Logical shards. Pinned: shard numbers are part of snapshots and golden tests.
pub const SHARDS: usize = 1_024;
/// Bits of a reference that name its shard.
pub const SHARD_BITS: u32 = 10;

/// Largest amount in minor units: 48 bits in a ledger entry.
pub const AMOUNT_MINOR_MAX: i64 = (1 << 48) - 1;
/// Largest event time in milliseconds: 43 bits in a ledger entry (the year 2248).
pub const EVENT_TIME_MS_MAX: Millis = (1 << 43) - 1;
/// Largest distance of a date from 1970 in milliseconds: "for good" is written as the year 9999.
pub const DATE_MS_MAX: Millis = (1 << 48) - 1;

/// Bytes of one input record, at most.
pub const RECORD_BYTES_MAX: usize = 256 * 1_024;
/// Bytes of a record that is kept in memory whole while its step is scored, at most; of a longer
/// one only the texts that are read.
pub const RECORD_WHOLE_BYTES_MAX: usize = 4 * 1_024;
/// Bytes of one identifier (account, customer, payment, event, device …), at most.
pub const ID_BYTES_MAX: usize = 128;
/// Bytes of a free text (name, memo), at most; longer ones are cut at a character boundary.
pub const TEXT_BYTES_MAX: usize = 512;
/// Depth of nested JSON, at most.
pub const JSON_DEPTH_MAX: usize = 32;

/// Longest window a ledger serves; entries live this long plus [`LATENESS_MAX`].
pub const WINDOW_MAX: Millis = 7 * DAY;
/// Working days of a window, at most: five of them are a week, unless holidays lie among them.
pub const WORKING_DAYS_MAX: u8 = 5;
/// Longest window of working days: what holidays make longer than this is cut.
pub const WORKING_WINDOW_MAX: Millis = 31 * DAY;
/// Largest allowed lateness an operator may configure.
pub const LATENESS_MAX: Millis = HOUR;
/// Entries older than the watermark by more than this leave the ledger, unless a window of working
/// days reaches back further over holidays.
pub const LEDGER_RETENTION: Millis = WINDOW_MAX + LATENESS_MAX;
/// Allowed lateness unless configured: within it, any arrival order is in order.
pub const LATENESS_DEFAULT: Millis = 2 * MINUTE;
/// How far an event's time may lie after its record's timestamp unless configured.
pub const SKEW_DEFAULT: Millis = 5 * MINUTE;
/// How far a row of a file may lie after every payment before it unless configured: a year and a
/// month, so that a file may have gaps but no row of another century.
pub const JUMP_DEFAULT: Millis = 400 * DAY;

/// Events kept for the allowed lateness, at most: what came before them is not judged again.
pub const HELD_EVENTS_MAX: u64 = 1 << 17;
/// Events that one arrival has judged again, at most; the newest are.
pub const AGAIN_MAX: usize = 64;
/// Events of one entity that are looked through for these, at most.
pub const AGAIN_WALK_MAX: usize = 256;

/// Live entries of one ledger, at most; the oldest leave first and the ledger says `lower_bound`.
pub const LEDGER_ENTRIES_MAX: usize = 1 << 17;
/// Up to this many live entries a ledger is scanned; above it an index is kept.
pub const LEDGER_SCAN_MAX: usize = 64;
/// A running sum that nobody asked during so many visits is let go of.
pub const HOT_IDLE_VISITS: u32 = 1_024;
/// Entries that the ordered features (dwell, cycles) read, newest first, at most.
pub const ORDERED_SCAN_MAX: usize = 1_024;
/// Entries of a window that one finer question reads, newest first, at most.
pub const QUERY_SCAN_MAX: usize = 4_096;

/// Days that known payees and payers are remembered.
pub const PAIR_DAYS: i32 = 180;
/// Payees remembered per payer beyond the ledger, at most; the longest unused leave first.
pub const PAIRS_MAX: usize = 4_096;
/// Payers remembered per payee beyond the ledger, at most; the longest unused leave first.
pub const PAYERS_MAX: usize = 512;
/// Whole weeks before the present one in which a rhythm of payments is looked for.
pub const RHYTHM_WEEKS: i32 = 24;
/// Days of day buckets and of the amount sketch.
pub const HISTORY_DAYS: i32 = 90;

/// List entries kept for one subject, at most.
pub const LIST_ENTRIES_MAX: usize = 64;
/// Events of each sort kept for one account (resets, changed limits, verdicts, blocked payments,
/// payments and withdrawals at a terminal) and for one enterprise, at most; the oldest leave first.
pub const MARKS_MAX: usize = 32;
/// Openings kept for one customer, device, telephone or agent, and customers kept for one
/// telephone, at most; the oldest leave first.
pub const OPENINGS_MAX: usize = 64;
/// Places of payments kept for one account, at most; the oldest leave first.
pub const PLACES_MAX: usize = 8;
/// The same, with those within the allowed lateness.
pub const PLACES_LATELY_MAX: usize = 72;
/// How long an analyst may allow payments between two parties.
pub const ANALYST_ALLOW_MAX: Millis = 30 * DAY;
/// How old an enterprise's record may be to count as fresh.
pub const REGISTRY_FRESH: Millis = DAY;
/// Controls kept for one account, at most.
pub const CONTROLS_MAX: usize = 32;

/// Contributing events named under one item of evidence, at most; the newest are kept.
pub const EVIDENCE_EVENTS_MAX: usize = 16;
/// Signals of rules that are remembered for other rules, at most; the oldest leave first.
pub const SIGNALS_MAX: usize = 1 << 20;
/// Accounts that one question about signals looks at, about; then it says `lower_bound`.
pub const SIGNAL_PEERS_MAX: usize = 4_096;
/// Payments that are judged once more when time has passed, at most; of further ones the rules that
/// ask what did not happen are not evaluable.
pub const WAITS_MAX: usize = 1 << 17;
/// They are judged when the watermark reaches the next multiple of this.
pub const WAIT_GRID: Millis = SECOND;
/// Open episodes, at most; above it the longest untouched is closed.
pub const EPISODES_MAX: usize = 1 << 20;
/// Findings of one open episode that a late event may yet change, at most; the oldest are settled.
pub const EPISODE_RECENT_MAX: usize = 1_024;
/// Findings kept for one open episode, at most.
pub const EPISODE_FINDINGS_MAX: usize = 64;

/// Rules in one pack, at most.
pub const RULES_MAX: usize = 512;
/// What a rule may cost at each payment before `rules lint` remarks on it, in reads of a running
/// sum.
pub const RULE_COST_MAX: u32 = 48;
/// Folders inside one another below a pack's folder, at most.
pub const RULE_FOLDER_DEPTH_MAX: usize = 8;
/// Bytes of one rule file, at most.
pub const RULE_FILE_BYTES_MAX: usize = 256 * 1_024;
/// How often the rule folders are looked at unless configured.
pub const RULES_POLL_DEFAULT: Millis = 5 * SECOND;
/// How often the journal is told again what the files of a pack say. Its retention must be longer
/// than twice this.
pub const PACK_REWRITE: Millis = HOUR;
/// What the state may take, in MiB, for a pack to be taken on trial beside it, unless configured.
pub const SHADOW_STATE_MIB_DEFAULT: usize = 4_096;
/// Characters of a caller's name, at most.
pub const WHO_CHARS_MAX: usize = 64;
/// Differences that the journal names when rules change, at most; the others are counted.
pub const RULE_CHANGES_TOLD_MAX: usize = 200;
/// Bytes of one difference, at most.
pub const RULE_CHANGE_BYTES_MAX: usize = 512;
/// Bytes of one expression, at most: the CEL parser recurses without a limit of its own.
pub const EXPRESSION_BYTES_MAX: usize = 4 * 1_024;
/// Depth of brackets and unary operators of one expression, at most.
pub const EXPRESSION_DEPTH_MAX: usize = 64;
/// Depth of a compiled expression with the features it names, at most: evaluation recurses.
pub const PROGRAM_DEPTH_MAX: u32 = 1_024;

/// Records of one step, at most.
pub const STEP_RECORDS_MAX: usize = 16_384;
/// Events that one thread works on before the next phase: what they need fits its cache.
pub const STRETCH_EVENTS: usize = 512;
/// One shard's register is looked through for old payments every so many events.
pub const EVENTS_PER_EVICTION: usize = 64;
/// Bytes of one step's records, at most (a single larger record makes a step of its own).
pub const STEP_BYTES_MAX: usize = 16 * 1_024 * 1_024;
/// Rows of one coarse time in a mapped CSV, at most; further ones are spread apart as a group of
/// their own.
pub const COARSE_ROWS_MAX: usize = 1 << 20;
/// Rows of one row group of a Parquet file, at most: a group is held as text.
pub const PARQUET_GROUP_ROWS_MAX: u64 = 1 << 22;
/// Steps between source and engine, and between engine and publisher, at most.
pub const STEPS_IN_FLIGHT_MAX: usize = 4;

/// Episodes that a comparison of two packs keeps in mind, at most; of an older one what it came to
/// stays counted.
pub const COMPARED_EPISODES_MAX: usize = 1 << 18;
/// Currencies whose amounts are counted by themselves, by run of a step and by partition; all
/// others are counted together.
pub const CURRENCIES_COUNTED_MAX: usize = 32;
/// How often the journal says what became of all records unless configured.
pub const RECONCILE_EVERY_DEFAULT: Millis = MINUTE;

/// Breakages that `reconcile` names, at most; the others are counted.
pub const BROKEN_TOLD_MAX: usize = 1_000;
/// Places at which a reproduced alert differs from the published one that `replay` names, at most.
pub const DIFFERENCES_TOLD_MAX: usize = 100;
/// Records that `reconcile` reads of the inputs before it goes on in the journal, about.
pub const PROOF_RECORDS: u64 = 1 << 20;
/// Steps that it goes on by, at most.
pub const PROOF_STEPS: u64 = 1 << 15;

/// Values of one parameter that a backtest tries at once, at most: each has an engine of its own.
pub const SWEEP_VALUES_MAX: usize = 50;

/// Bytes of an HTTP request's body, at most.
pub const HTTP_BODY_BYTES_MAX: usize = 64 * 1_024;

/// Controls whose ends are watched for the metrics, at most.
pub const CONTROLS_WATCHED_MAX: usize = 1 << 20;

/// KiB of records that the client holds of all partitions before the source takes them, as its
/// property says it.
pub const SOURCE_QUEUE_KIB: &str = "16384";
/// Messages of one transaction, at most (the last step's own may exceed it).
pub const TRANSACTION_MESSAGES_MAX: usize = 20_000;
/// Rule packs of the past kept while the journal is repeated, at most.
pub const PACKS_KEPT: usize = 8;
/// Callers that wait for rules to be read, at most; the others are told to try again.
pub const RULE_CALLERS_MAX: usize = 4;
/// How long a leader may be silent before another takes over, unless configured: what brokers allow
/// at least, unless they are told otherwise.
pub const SESSION_TIMEOUT_DEFAULT: Millis = 6 * SECOND;
/// What may be configured for it.
pub const SESSION_TIMEOUT_RANGE: std::ops::RangeInclusive<Millis> = 100..=HOUR;

/// Records fetched from one partition's queue at once; their bytes are bounded by the queue's own.
pub const SOURCE_CHUNK_RECORDS: usize = 1_024;
/// Records a partition may lag and still count as live: nobody waits for it.
pub const SOURCE_LAG_LIVE: i64 = 10_000;
/// How long a step waits for a partition that is behind, at most; after that nobody waits for it
/// until it delivers again.
pub const SOURCE_BEHIND_WAIT: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a source waits for records before it says that it is idle.
pub const SOURCE_PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);

/// Bytes of one part of a snapshot before compression, at most.
pub const SNAPSHOT_BLOCK_BYTES_MAX: usize = 1 << 29;
/// How many times larger a part may be than its compressed bytes: what zstd makes of one byte
/// repeated, about.
pub const SNAPSHOT_RATIO_MAX: u64 = 1 << 15;
/// Bytes that are gathered in one file of a snapshot before it is written.
pub const SNAPSHOT_FILE_BYTES: usize = 32 * 1_024 * 1_024;
/// Bytes of one file of a snapshot, at most: a last part may lie behind what was gathered.
pub const SNAPSHOT_FILE_BYTES_MAX: usize = SNAPSHOT_FILE_BYTES + SNAPSHOT_BLOCK_BYTES_MAX * 2;

/// Parts of each kind that are copied and not written yet, at most: the memory that snapshots take.
pub const SNAPSHOT_PARTS_IN_FLIGHT: usize = 8;
/// Events taken lately in one part of a snapshot, about.
pub const SNAPSHOT_HELD_EVENTS: usize = 1 << 13;
/// After so long in one pause no further part is copied.
pub const SNAPSHOT_PAUSE: std::time::Duration = std::time::Duration::from_micros(700);
/// Of the time in which a set is taken, one part in so many at most is spent on copying.
pub const SNAPSHOT_SHARE: u32 = 10;
/// How often a snapshot is taken unless configured.
pub const SNAPSHOT_INTERVAL_DEFAULT: Millis = 10 * MINUTE;
/// Whole snapshots kept unless configured.
pub const SNAPSHOT_KEEP_DEFAULT: usize = 2;

const _: () = assert!(SNAPSHOT_BLOCK_BYTES_MAX < u32::MAX as usize / 2);
const _: () = assert!(SHARDS == 1 << SHARD_BITS);
const _: () = assert!(LEDGER_RETENTION >= WINDOW_MAX + LATENESS_DEFAULT);
const _: () = assert!(LEDGER_SCAN_MAX < ORDERED_SCAN_MAX && ORDERED_SCAN_MAX < LEDGER_ENTRIES_MAX);
const _: () = assert!(RHYTHM_WEEKS * 7 + 6 <= PAIR_DAYS && RHYTHM_WEEKS < 32);
const _: () = assert!(ID_BYTES_MAX < u8::MAX as usize && TEXT_BYTES_MAX < RECORD_BYTES_MAX);
const _: () = assert!(RECORD_BYTES_MAX < STEP_BYTES_MAX && STEP_BYTES_MAX < u32::MAX as usize / 4);
