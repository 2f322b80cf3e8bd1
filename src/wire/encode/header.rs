//! Names of message headers, each once, with what it carries.
//!
//! Bodies are deterministic; wall-clock times, the software's version and the instance travel here.

/// Content type of the body.
pub const CONTENT_TYPE: &str = "content-type";
/// CloudEvents: version of the envelope.
pub const CE_SPECVERSION: &str = "ce_specversion";
/// CloudEvents: `alert_id.revision`, unique under the source.
pub const CE_ID: &str = "ce_id";
/// CloudEvents: `/goshawk/` and the tenant.
pub const CE_SOURCE: &str = "ce_source";
/// CloudEvents: `dev.goshawk.alert.` kind `.v1`.
pub const CE_TYPE: &str = "ce_type";
/// CloudEvents: token of the target's account.
pub const CE_SUBJECT: &str = "ce_subject";
/// CloudEvents: time of the triggering event.
pub const CE_TIME: &str = "ce_time";
/// CloudEvents extension: the message's key.
pub const CE_PARTITION_KEY: &str = "ce_partitionkey";
/// Wall clock when the triggering record was read.
pub const INGESTED: &str = "goshawk_ingested";
/// Wall clock when the engine had decided.
pub const DETECTED: &str = "goshawk_detected";
/// Wall clock when the message was handed to the sink.
pub const PUBLISHED: &str = "goshawk_published";
/// Version of the software that made the message.
pub const VERSION: &str = "goshawk_version";
/// Instance that made it.
pub const INSTANCE: &str = "goshawk_instance";
/// Number of the step that published it: leads to its record in the journal.
pub const STEP: &str = "goshawk_step";
/// Hash of the pack on trial that an alert is of: it is in no count of its step.
pub const TRIAL: &str = "goshawk_trial";
/// Reject: the reason's word.
pub const REJECT_REASON: &str = "goshawk_reject_reason";
/// Reject: the field's path or the parser's words; never a value of the record.
pub const REJECT_DETAIL: &str = "goshawk_reject_detail";
/// Reject: topic or file of the record.
pub const REJECT_TOPIC: &str = "goshawk_reject_topic";
/// Reject: its partition.
pub const REJECT_PARTITION: &str = "goshawk_reject_partition";
/// Reject: its offset, or the row or line number of a file.
pub const REJECT_OFFSET: &str = "goshawk_reject_offset";
/// Reject: its record's timestamp.
pub const REJECT_RECORD_TIME: &str = "goshawk_reject_record_time";

/// Headers of an alert in the order in which they are written, with what each carries.
pub const ALERT: &[(&str, &str)] = &[
    (CONTENT_TYPE, "`application/json`"),
    (CE_SPECVERSION, "`1.0`"),
    (CE_ID, "`alert_id.revision`; unique together with `ce_source`"),
    (CE_SOURCE, "`/goshawk/<tenant>`"),
    (CE_TYPE, "`dev.goshawk.alert.<kind>.v1`, kind: raise, update, escalate, withdraw"),
    (CE_SUBJECT, "token of the target's account"),
    (CE_TIME, "time of the triggering event, RFC 3339"),
    (CE_PARTITION_KEY, "the message's key, as `ce_subject`"),
    (INGESTED, "wall clock when the triggering record was read, RFC 3339"),
    (DETECTED, "wall clock when the engine had decided, RFC 3339"),
    (PUBLISHED, "wall clock when the message was handed to the sink, RFC 3339"),
    (VERSION, "version of the software"),
    (INSTANCE, "instance that published it"),
];

/// Headers of a reject in the order in which they are written, with what each carries.
pub const REJECT: &[(&str, &str)] = &[
    (REJECT_REASON, "why, one word: `missing_field`, `bad_amount` …"),
    (REJECT_DETAIL, "the field's path or the parser's words, never a value of the record"),
    (REJECT_TOPIC, "topic or file the record came from"),
    (REJECT_PARTITION, "its partition, decimal"),
    (REJECT_OFFSET, "its offset, decimal; the row or line number of a file"),
    (REJECT_RECORD_TIME, "its record's timestamp, RFC 3339"),
];

/// Headers that the pipeline adds to both where there is a journal.
pub const JOURNALLED: &[(&str, &str)] = &[
    (STEP, "number of the step that published it, decimal: leads to its journal record"),
    (TRIAL, "only on alerts of a pack on trial: its hash; the step's count leaves them out"),
];
