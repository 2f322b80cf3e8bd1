//! Any bytes after the beginning of a record of `control.v1`.

#![no_main]

mod decoder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|rest: &[u8]| decoder::check_as("control.v1", rest));
