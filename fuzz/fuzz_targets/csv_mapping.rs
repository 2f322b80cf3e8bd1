//! Any text as a column mapping, a line of `%%`, then any bytes as the CSV that it is for: steps that
//! cover every row once, or what is wrong, never a panic; the same again gives the same.

#![no_main]

use std::path::Path;

use goshawk::source::file::{Columns, rows_of};
use goshawk::source::{Progress, Step};
use goshawk::wire::decode::{DecodeConfig, Decoder};
use jiff::tz::{TimeZone, offset};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let at = input.windows(4).position(|window| window == b"\n%%\n");
    let (mapping, csv) = match at {
        Some(at) => (&input[..at], &input[at + 4..]),
        None => (&b""[..], input),
    };
    let Ok(mapping) = std::str::from_utf8(mapping) else { return };
    // A mapping may name another file, which is not what is tried here.
    if mapping.contains("file") {
        return;
    }
    let columns = match mapping.is_empty() {
        true => None,
        false => match Columns::load(mapping, "mapping") {
            Ok(columns) => Some(columns),
            Err(_) => return,
        },
    };
    assert_eq!(read(columns.as_ref(), csv), read(columns.as_ref(), csv));
});

/// Events, rejects and skipped rows; `None` where the mapping does not fit the header.
fn read(columns: Option<&Columns>, csv: &[u8]) -> Option<(String, Vec<String>, u64)> {
    let decoder =
        Decoder::new(DecodeConfig { zone: TimeZone::fixed(offset(8)), skew_ms: 300_000 });
    let reader = Box::new(std::io::Cursor::new(csv.to_vec()));
    let mut source = rows_of(Path::new("fuzzed.csv"), reader, columns, decoder).ok()?;
    let (mut text, mut rejects, mut skipped) = (String::new(), Vec::new(), 0);
    let (mut step, mut end, mut records) = (Step::default(), 0, 0);
    loop {
        step.clear();
        match source.next(&mut step) {
            Ok(Progress::Step) => {}
            Ok(Progress::Idle) => panic!("a file is never idle"),
            Ok(Progress::End) | Err(_) => break,
        }
        for run in &step.runs {
            assert_eq!(run.from, end, "every row lies in one run");
            end = run.to;
        }
        text.push_str(&step.batch.text);
        rejects.extend(step.rejected.iter().map(|r| format!("{:?}", r.reject)));
        skipped += step.skipped;
        records += step.batch.events.len() as u64;
    }
    assert_eq!(records + rejects.len() as u64 + skipped, end as u64);
    Some((text, rejects, skipped))
}
