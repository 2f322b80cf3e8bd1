//! Any bytes as a record: an event or a reject, never a panic; a reject leaves the batch as it was;
//! the same bytes mean the same again; and a plain decoder, written apart, says the same.

use std::cell::RefCell;

use goshawk::model::event::{Batch, Position};
use goshawk::wire::decode::{DecodeConfig, Decoder};
use jiff::tz::{TimeZone, offset};

/// The plain decoder of the tests.
#[path = "."]
mod decode {
    #[path = "../../../tests/decode/flat.rs"]
    pub mod flat;
    #[path = "../../../tests/decode/plain.rs"]
    pub mod plain;

    pub const SKEW: i64 = 300_000;
}
use decode::{SKEW, flat::flat, plain};

thread_local! {
    /// One for the whole run: what it learns from one record must not change the next.
    static LASTING: RefCell<Decoder> = RefCell::new(fresh());
}

fn fresh() -> Decoder {
    Decoder::new(DecodeConfig { zone: TimeZone::fixed(offset(8)), skew_ms: SKEW })
}

/// Decodes a record and holds it against the plain decoder.
pub fn check(record: &[u8]) {
    let decode = |decoder: &mut Decoder, record_time| {
        let mut batch = Batch::default();
        batch.push_text("kept");
        match decoder.decode(record, Position::default(), record_time, &mut batch) {
            Ok(()) => {
                assert_eq!(batch.events.len(), 1);
                Ok(flat(&batch, &batch.events[0]))
            }
            Err(reject) => {
                assert!(batch.events.is_empty() && batch.text == "kept");
                Err(reject.reason)
            }
        }
    };
    for record_time in [None, Some(1_772_676_190_000)] {
        let seen = LASTING.with_borrow_mut(|decoder| decode(decoder, record_time));
        assert_eq!(seen, decode(&mut fresh(), record_time));
        let expect = plain::decode(record, record_time);
        assert!(plain::same(&seen, &expect), "decoder {seen:?}, plain {expect:?}");
    }
}

/// The same for a record of one format, of which the fuzzer writes all but the format's name.
#[allow(dead_code)]
pub fn check_as(schema: &str, rest: &[u8]) {
    let begun = format!("{{\"schema\":\"{schema}\",");
    check(&[begun.as_bytes(), rest].concat());
}
