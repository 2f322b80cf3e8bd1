//! A group of shards: what one thread works on in the phases that are parallel by shard.

use super::capture::Capture;
use super::extra::Extra;
use super::facts::NONE;
use super::hot::{HotIndex, HotPlan, Ledger};
use super::prefetch::prefetch_all;
use super::register::{Register, Transition};
use super::slab::Slab;
use super::table::{Slot, Table};
use super::window::Scratch;
use crate::limits;
use crate::model::entity::{EntityKind, KeyHash};
use crate::model::time::{Millis, day_number};
use crate::rules::plan::view::Role;

/// Everything one shard keeps. It refers to nothing outside itself.
#[derive(Clone, Debug, Default)]
pub(super) struct ShardState {
    pub table: Table,
    pub slab: Slab,
    pub register: Register,
}

/// Why an event calls at an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A payment, in a role.
    Pays(Role),
    /// An account is opened or a telephone bound to it; the account and its customer as payer.
    Opens(Role),
    /// A list, control or other account event about it.
    Concerns,
}

/// One event calling at one entity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub event: u32,
    pub call: Call,
    pub kind: EntityKind,
    pub hash: KeyHash,
    pub name: crate::model::event::Text,
    /// Found by the intern phase.
    pub slot: Slot,
    /// The event that called at the entity before, lower bits of its number.
    pub before: u32,
    /// Lists the entity is on, or 0; found by the consult phase.
    pub lists: super::reference::ListMask,
    /// Number of its first cell in [`Group::rows`], or [`NONE`].
    pub row: u32,
    /// Number of its first word of candidates in [`Group::candidates`], or [`NONE`].
    pub candidates: u32,
    /// A value in its row is only a lower bound.
    pub lower_bound: bool,
    /// The account's first payment of its day.
    pub first_of_day: bool,
}

impl Visit {
    pub fn new(
        event: u32,
        call: Call,
        kind: EntityKind,
        hash: KeyHash,
        name: crate::model::event::Text,
    ) -> Self {
        Self {
            event,
            call,
            kind,
            hash,
            name,
            slot: 0,
            before: 0,
            lists: 0,
            row: NONE,
            candidates: NONE,
            lower_bound: false,
            first_of_day: false,
        }
    }
}

/// A payment's status event calling at the register.
#[derive(Clone, Copy, Debug)]
pub(super) struct PaymentTask {
    pub event: u32,
    pub hash: KeyHash,
    pub transition: Transition,
}

/// Shards of one thread, with the step's work for them.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Number of the first shard.
    pub first_shard: u16,
    pub shards: Vec<ShardState>,
    pub visits: Vec<Visit>,
    pub payments: Vec<PaymentTask>,
    /// Cells of this step's rows.
    pub rows: Vec<i64>,
    /// Rules that may fire, [`Settings::words`] words a visit.
    pub candidates: Vec<u64>,
    pub captures: Vec<Capture>,
    pub scratch: Scratch,
    /// The rules that are open at the present visit.
    pub open: Vec<u64>,
    /// Bounds that bit since the last step.
    pub bounds_hit: u64,
}

/// Numbers that every visit needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub utc_offset_ms: Millis,
    /// Words of a set of rules.
    pub words: usize,
}

impl Group {
    pub fn new(first_shard: u16, shards: usize) -> Self {
        Self {
            first_shard,
            shards: std::iter::repeat_with(ShardState::default).take(shards).collect(),
            visits: Vec::new(),
            payments: Vec::new(),
            rows: Vec::new(),
            candidates: Vec::new(),
            captures: Vec::new(),
            scratch: Scratch::default(),
            open: Vec::new(),
            bounds_hit: 0,
        }
    }

    /// Forgets the last step's work.
    pub fn begin_step(&mut self) {
        self.visits.clear();
        self.payments.clear();
        self.rows.clear();
        self.candidates.clear();
        self.captures.clear();
    }

    /// The shard with this number.
    pub fn shard(&mut self, shard: u16) -> &mut ShardState {
        &mut self.shards[usize::from(shard - self.first_shard)]
    }
}

impl ShardState {
    /// Lets go of what has left a ledger's retention, into long memory.
    pub fn evict(&mut self, slot: Slot, horizon_ms: Millis, utc_offset_ms: Millis) {
        let header = &mut self.table.headers[slot as usize];
        let oldest = |slab: &Slab, header: &super::table::Header| {
            let entries = slab.entries(&header.ring);
            (entries.len() > 0).then(|| entries.get(0))
        };
        let mut evicted = false;
        while let Some(entry) = oldest(&self.slab, header).filter(|e| e.time_ms() <= horizon_ms) {
            evicted = true;
            self.slab.pop_front(&mut header.ring);
            let extra = header.extra.get_or_insert_default();
            if entry.is_void() {
                // One note for each entry: where both sides share a ledger, the other still needs
                // its own.
                let note = extra.voids.iter().position(|(f, _)| *f == entry.fingerprint());
                if let Some(at) = note {
                    extra.voids.remove(at);
                }
                if let Some(hot) = &mut extra.hot {
                    let entries = self.slab.entries(&header.ring);
                    hot.removed(Ledger { entries, long: &extra.long }, 0, entry);
                }
            } else {
                let day = day_number(entry.time_ms(), utc_offset_ms);
                extra.long.fold(entry, day, utc_offset_ms);
                if let Some(hot) = &mut extra.hot {
                    hot.folded(entry);
                }
            }
        }
        if evicted {
            self.slab.shrink(&mut header.ring);
            if header.ring.len() < limits::LEDGER_SCAN_MAX / 2 {
                header.extra.get_or_insert_default().hot = None;
            }
        }
    }

    /// Moves a large ledger's index to `time_ms`, and begins one where a ledger has become large.
    pub fn advance_hot(&mut self, slot: Slot, time_ms: Millis, plans: &[HotPlan], offset: Millis) {
        let large = self.table.headers[slot as usize].ring.len() > limits::LEDGER_SCAN_MAX;
        if self.with_hot(slot, |hot, ledger| hot.advance(ledger, time_ms)) || !large {
            return;
        }
        let header = &mut self.table.headers[slot as usize];
        let extra = header.extra.get_or_insert_default();
        let ledger = Ledger { entries: self.slab.entries(&header.ring), long: &extra.long };
        let void_ms = extra.voids.iter().map(|(_, time_ms)| *time_ms).max();
        let mut hot = HotIndex::build(plans, ledger, void_ms, offset);
        hot.advance(ledger, time_ms);
        extra.hot = Some(Box::new(hot));
    }

    /// Calls with the index of a large ledger and what that reads; `false` where there is none.
    pub fn with_hot(&mut self, slot: Slot, call: impl FnOnce(&mut HotIndex, Ledger<'_>)) -> bool {
        let header = &mut self.table.headers[slot as usize];
        let Some(extra) = header.extra.as_deref_mut() else { return false };
        let Some(hot) = extra.hot.as_deref_mut() else { return false };
        call(hot, Ledger { entries: self.slab.entries(&header.ring), long: &extra.long });
        true
    }

    /// Asks for an entity's entries, and for what else it has.
    pub fn prefetch_ledger(&self, slot: Slot) {
        let header = &self.table.headers[slot as usize];
        self.slab.prefetch(&header.ring);
        if let Some(extra) = &header.extra {
            prefetch_all(std::slice::from_ref(&**extra), 3);
        }
    }

    /// What an entity has beside header and ledger.
    pub fn extra(&self, slot: Slot) -> Option<&Extra> {
        self.table.headers[slot as usize].extra.as_deref()
    }
}
