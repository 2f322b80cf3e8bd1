//! Labels: what a data set says about its own events, so that a run over it can be measured.

use std::io;

use crate::model::time::Millis;

/// One event that belongs to a known pattern of fraud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The event.
    pub event_id: String,
    /// The pattern it belongs to; unique in the data set.
    pub pattern: String,
    /// What kind of pattern that is.
    pub kind: String,
    /// The event's time.
    pub time_ms: Millis,
    /// Money that moves with this event, minor units; zero for a status that moves none.
    pub amount_minor: i64,
    /// Account that pays.
    pub payer: String,
    /// Account that is paid.
    pub payee: String,
}

/// Labels as CSV with the header `event_id,pattern,kind`, one after the other.
pub struct LabelWriter<W: io::Write>(csv::Writer<W>);

impl<W: io::Write> LabelWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// What the writer says.
    pub fn new(out: W) -> Result<Self, csv::Error> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["event_id", "pattern", "kind"])?;
        Ok(Self(writer))
    }

    /// Appends a label.
    ///
    /// # Errors
    /// What the writer says.
    pub fn append(&mut self, label: &Label) -> Result<(), csv::Error> {
        self.0.write_record([&label.event_id, &label.pattern, &label.kind])
    }

    /// Writes out what is still buffered.
    ///
    /// # Errors
    /// What the writer says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes labels as CSV with the header `event_id,pattern,kind`.
///
/// # Errors
/// What the writer says.
pub fn write_csv<'a>(
    out: impl io::Write,
    labels: impl IntoIterator<Item = &'a Label>,
) -> Result<(), csv::Error> {
    let mut writer = LabelWriter::new(out)?;
    for label in labels {
        writer.append(label)?;
    }
    writer.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_csv_names_event_pattern_and_kind() {
        let label = Label {
            event_id: "e-1".into(),
            pattern: "p,1".into(),
            kind: "burst".into(),
            time_ms: 0,
            amount_minor: 100,
            payer: "A".into(),
            payee: "B".into(),
        };
        let mut out = Vec::new();
        write_csv(&mut out, [&label]).expect("memory takes it");
        assert_eq!(out, b"event_id,pattern,kind\ne-1,\"p,1\",burst\n");
    }
}
