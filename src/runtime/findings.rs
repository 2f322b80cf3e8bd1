//! The file of findings that a configuration may ask for: for measuring, no part of any guarantee.
//! What cannot be written is told once and given up; scoring goes on.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use crate::engine::FindingRecord;
use crate::model::event::Batch;
use crate::rules::plan::Plan;
use crate::wire::encode::findings::FindingRows;
use crate::wire::encode::privacy::Mask;

/// The file, while it can be written.
#[derive(Debug)]
pub struct FindingsFile {
    path: PathBuf,
    rows: Option<FindingRows<BufWriter<File>>>,
}

impl FindingsFile {
    /// Makes the file anew.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        let rows = FindingRows::new(BufWriter::new(File::create(path)?))?;
        Ok(Self { path: path.to_owned(), rows: Some(rows) })
    }

    /// Adds the findings of a step.
    pub fn write(&mut self, plan: &Plan, batch: &Batch, findings: &[FindingRecord], mask: &Mask) {
        self.attempt(|rows| rows.write(plan, batch, findings, mask));
    }

    /// Hands on what is buffered.
    pub fn flush(&mut self) {
        self.attempt(FindingRows::flush);
    }

    fn attempt(
        &mut self,
        write: impl FnOnce(&mut FindingRows<BufWriter<File>>) -> std::io::Result<()>,
    ) {
        if let Some(Err(cause)) = self.rows.as_mut().map(write) {
            let path = self.path.display();
            tracing::error!(%path, %cause, "findings cannot be written and are given up");
            self.rows = None;
        }
    }
}
