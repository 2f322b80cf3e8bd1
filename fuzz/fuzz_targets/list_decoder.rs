//! Any bytes after the beginning of a record of `list.v1`.

#![no_main]

mod decoder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|rest: &[u8]| decoder::check_as("list.v1", rest));
