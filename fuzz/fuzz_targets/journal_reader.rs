//! Any bytes as a record of the journal: one that is written again as it reads, or an error with its
//! offset, never a panic; and whatever steps come, the outline holds what a list would.

#![no_main]

use goshawk::wire::journal::{self, Entry, Outline};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (mut held, mut outline) = (Vec::<(i64, u64)>::new(), Outline::default());
    for (offset, body) in (0..).zip(input.split(|byte| *byte == b'\n')) {
        let entry = match journal::read(offset, body) {
            Ok(entry) => entry,
            Err(error) => {
                assert!(error.to_string().starts_with(&format!("journal offset {offset}: ")));
                continue;
            }
        };
        let written = match &entry {
            Entry::Step(step) => journal::message(step),
            Entry::File(file) => journal::message(file),
            Entry::Change(change) => journal::message(change),
            Entry::Shadow(change) => journal::message(change),
            Entry::Reconciliation(sum) => journal::message(sum),
        };
        assert_eq!(journal::read(offset, &written.body).expect("we wrote it"), entry);
        if let Entry::Step(step) = entry {
            held.retain(|(_, before)| *before < step.step);
            held.push((offset, step.step));
            outline.add(offset, step.step);
        }
    }
    for (offset, step) in held {
        assert!(outline.counts(offset, step));
    }
});
