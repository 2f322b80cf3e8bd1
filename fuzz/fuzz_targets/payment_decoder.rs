//! Any bytes as a record of any format.

#![no_main]

mod decoder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|record: &[u8]| decoder::check(record));
