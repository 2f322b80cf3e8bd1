//! Events written as JSON and read again are the events they were.

use goshawk::generate::json::write_line;
use goshawk::generate::{GenerateConfig, Generator};
use goshawk::model::event::{Batch, Body, Position};
use goshawk::source::{Progress, Source as _, Step};

use super::flat::flat;
use super::{decode, decoder, records};
use crate::oracle::streams::Random;

#[test]
fn the_generators_records_are_the_events_it_had_in_memory() {
    let config =
        GenerateConfig { planted_per_million: 5_000, ..GenerateConfig::new(2_000, 30_000, 5) };
    let mut generator = Generator::new(config).expect("a town");
    let mut decoder = decoder();
    let (mut step, mut line) = (Step::default(), Vec::new());
    let mut kinds = [0; 4];
    loop {
        step.clear();
        if generator.next(&mut step).expect("a generator never fails") == Progress::End {
            break;
        }
        for event in &step.batch.events {
            let kind = match event.body {
                Body::Payment(_) => 0,
                Body::Account(_) => 1,
                Body::List(_) => 2,
                Body::Control(_) => 3,
                Body::Registry(_) | Body::Feedback(_) | Body::Tick => continue,
            };
            kinds[kind] += 1;
            line.clear();
            write_line(&mut line, &step.batch, event).expect("a time of our days");
            let read = decode(&mut decoder, &line, Some(event.record_time_ms));
            let shown = String::from_utf8_lossy(&line);
            assert_eq!(read.as_ref(), Ok(&flat(&step.batch, event)), "{shown}");
        }
    }
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
}

/// Random records carry fields that the generator never sets.
#[test]
fn what_is_written_of_a_record_reads_as_the_record() {
    let mut decoder = decoder();
    let mut line = Vec::new();
    for seed in crate::oracle::seeds(2_000) {
        let record = records::record(&mut Random::new(seed ^ 0x0074_7269), false);
        let mut batch = Batch::default();
        if decoder.decode(record.as_bytes(), Position::default(), None, &mut batch).is_err() {
            continue;
        }
        let event = &batch.events[0];
        line.clear();
        write_line(&mut line, &batch, event).expect("a time of our days");
        let read = decode(&mut decoder, &line, None);
        let shown = String::from_utf8_lossy(&line);
        let expect = Ok(flat(&batch, event));
        assert_eq!(read, expect, "GOSHAWK_SEED={seed}\n{record}\n{shown}");
    }
}
