//! Any bytes as a record: an event or a reject, never a panic; a reject leaves the batch as it was, an
//! event came from what another parser also takes for JSON, and the same bytes mean the same again.

#![no_main]

use goshawk::model::event::{Batch, Position};
use goshawk::wire::decode::{DecodeConfig, Decoder};
use jiff::tz::{TimeZone, offset};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|record: &[u8]| {
    let mut decoder =
        Decoder::new(DecodeConfig { zone: TimeZone::fixed(offset(8)), skew_ms: 300_000 });
    let mut decode = |record_time_ms| {
        let mut batch = Batch::default();
        batch.push_text("kept");
        let outcome = decoder.decode(record, Position::default(), record_time_ms, &mut batch);
        (outcome, batch)
    };
    let (outcome, batch) = decode(None);
    let (again, same) = decode(None);
    assert_eq!(format!("{outcome:?}{batch:?}"), format!("{again:?}{same:?}"));
    match outcome {
        Ok(()) => {
            assert_eq!(batch.events.len(), 1);
            assert!(serde_json::from_slice::<serde_json::Value>(record).is_ok());
        }
        Err(_) => assert!(batch.events.is_empty() && batch.text == "kept"),
    }
    let _ = decode(Some(1_772_676_190_000));
});
