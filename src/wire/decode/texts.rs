//! Where the texts of an event lie.

use crate::limits;
use crate::model::event::{Batch, Text};

/// The texts of the event that one record becomes.
///
/// A record of usual length is taken into the batch whole and at once, and what its fields say are
/// parts of it there. Copying twenty short texts one by one costs more than copying the record.
pub(super) struct Texts<'a> {
    batch: &'a mut Batch,
    /// The record, if it was taken whole.
    record: &'a str,
    /// Where it lies in the batch.
    start: usize,
}

impl<'a> Texts<'a> {
    /// The texts of a record that is about to be read.
    pub fn of(record: &'a str, batch: &'a mut Batch) -> Self {
        // Most of a long one is nothing that anybody reads.
        let record = if record.len() <= limits::RECORD_WHOLE_BYTES_MAX { record } else { "" };
        let start = batch.text.len();
        batch.text.push_str(record);
        Self { batch, record, start }
    }

    /// Keeps a text, which is a part of the record or, where that had escapes, is not.
    #[inline(always)]
    pub fn keep(&mut self, text: &str) -> Text {
        // Of a text that lies elsewhere the difference is out of the record's length.
        let at = text.as_ptr().addr().wrapping_sub(self.record.as_ptr().addr());
        if at >= self.record.len() {
            return self.batch.push_text(text);
        }
        if text.is_empty() {
            return Text::NONE;
        }
        Text { start: (self.start + at) as u32, len: text.len() as u32 }
    }
}
