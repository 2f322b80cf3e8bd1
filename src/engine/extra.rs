//! What only some entities have beside their header and ledger.

use super::hot::HotIndex;
use super::long::Long;
use super::reference::ReferenceData;
use crate::model::time::Millis;

/// Boxed behind [`super::table::Header::extra`].
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    /// What has left the ledger.
    pub long: Long,
    /// When the ledger's voided entries were taken back, by fingerprint; pruned with the entries.
    pub voids: Vec<(u32, Millis)>,
    /// Running sums, while the ledger is large.
    pub hot: Option<Box<HotIndex>>,
    /// Lists, controls, profile.
    pub reference: ReferenceData,
    /// The ledger has lost entries to [`crate::limits::LEDGER_ENTRIES_MAX`]: the newest time lost.
    pub lost_until_ms: Option<Millis>,
}

impl Extra {
    /// When the entry with this fingerprint was taken back.
    pub fn void_time(&self, fingerprint: u32) -> Option<Millis> {
        self.voids.iter().find(|(f, _)| *f == fingerprint).map(|(_, time)| *time)
    }

    /// Bytes held, itself included.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.long.bytes()
            + self.voids.capacity() * size_of::<(u32, Millis)>()
            + self.hot.as_ref().map_or(0, |hot| hot.bytes())
            + self.reference.bytes()
    }
}
