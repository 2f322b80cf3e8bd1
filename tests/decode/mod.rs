//! Records to events: the decoder against a plain one that shares no code with it, events to JSON
//! and back, and the published schemas against what is really read.
//!
//! A failing seed is printed; `GOSHAWK_SEED=n` runs it alone, `GOSHAWK_SEEDS=n` runs that many.

mod flat;
mod plain;
mod records;
mod round_trip;
mod same_events;
mod schemas;

use goshawk::model::event::{Batch, Position};
use goshawk::model::reject::RejectReason;
use goshawk::wire::decode::{DecodeConfig, Decoder};
use jiff::tz::{TimeZone, offset};

use flat::{Flat, flat};

const SKEW: i64 = 300_000;

/// A decoder whose zone is UTC+8.
fn decoder() -> Decoder {
    Decoder::new(DecodeConfig { zone: TimeZone::fixed(offset(8)), skew_ms: SKEW })
}

/// What the decoder makes of a record, field by field.
fn decode(
    decoder: &mut Decoder,
    record: &[u8],
    record_time: Option<i64>,
) -> Result<Flat, RejectReason> {
    let mut batch = Batch::default();
    batch.push_text("before");
    let outcome = decoder.decode(record, Position::default(), record_time, &mut batch);
    match outcome {
        Ok(()) => Ok(flat(&batch, &batch.events[0])),
        Err(reject) => {
            assert!(batch.events.is_empty() && batch.text == "before");
            Err(reject.reason)
        }
    }
}
