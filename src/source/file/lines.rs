//! One bounded record after the other, and the JSON-lines source.

use std::io::BufRead;

use super::STEP_EVENTS;
use crate::limits;
use crate::model::event::Position;
use crate::source::{Progress, RejectedRecord, Run, Source, SourceError, Step};
use crate::wire::decode::Decoder;

/// What UTF-8 makes of U+FEFF.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads one line into `line` (without its end) of at most one byte more than a record may have;
/// the rest of a longer line is passed over. `false` at the end.
pub(super) fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            break;
        }
        any = true;
        let end = memchr::memchr(b'\n', available);
        let taken = end.unwrap_or(available.len());
        let room = (limits::RECORD_BYTES_MAX + 1).saturating_sub(line.len());
        line.extend_from_slice(&available[..taken.min(room)]);
        reader.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(any)
}

/// A file of JSON records, one a line; blank lines are passed over.
pub struct JsonLines {
    topics: [String; 1],
    reader: Box<dyn BufRead + Send>,
    decoder: Decoder,
    line: Vec<u8>,
    number: i64,
}

impl JsonLines {
    pub(super) fn new(name: String, reader: Box<dyn BufRead + Send>, decoder: Decoder) -> Self {
        Self { topics: [name], reader, decoder, line: Vec::new(), number: 0 }
    }
}

impl Source for JsonLines {
    fn topics(&self) -> &[String] {
        &self.topics
    }

    fn next(&mut self, step: &mut Step) -> Result<Progress, SourceError> {
        let from = self.number;
        while step.batch.events.len() + step.rejected.len() < STEP_EVENTS {
            let more = read_line(&mut *self.reader, &mut self.line).map_err(|cause| {
                SourceError::File { path: self.topics[0].clone(), cause: cause.to_string() }
            })?;
            if !more {
                break;
            }
            // Some editors begin a file with a byte-order mark; JSON has none.
            if self.number == 0 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            let position = Position { topic: 0, partition: 0, offset: self.number };
            self.number += 1;
            if self.line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if let Err(reject) = self.decoder.decode(&self.line, position, None, &mut step.batch) {
                step.rejected.push(RejectedRecord { reject, bytes: self.line.clone(), key: None });
            }
        }
        if self.number == from {
            return Ok(Progress::End);
        }
        step.runs.push(Run { topic: 0, partition: 0, from, to: self.number });
        Ok(Progress::Step)
    }
}
