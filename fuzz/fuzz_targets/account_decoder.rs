//! Any bytes after the beginning of a record of `account.v1`.

#![no_main]

mod decoder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|rest: &[u8]| decoder::check_as("account.v1", rest));
