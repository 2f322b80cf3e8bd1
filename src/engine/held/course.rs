//! The order in which the events of a stretch are worked on. Usually that in which they came; where
//! one of them has others judged again, those stand directly behind it.

use super::Held;
use crate::model::event::{Batch, Event};

/// Where an item of the order comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Origin {
    /// An event of the stretch, by its place in it.
    Fresh(u32),
    /// A held event, judged again for the sake of the fresh one at this place of the stretch.
    Again { number: u64, cause: u32 },
}

/// The events of one stretch in order of work.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Course<'a> {
    /// Texts of the fresh events.
    pub batch: &'a Batch,
    /// The fresh events.
    pub events: &'a [Event],
    /// Number of the first of them.
    pub first: u64,
    pub held: &'a Held,
    /// Empty where nothing is judged again.
    pub origins: &'a [Origin],
}

impl<'a> Course<'a> {
    /// Number of items.
    pub fn len(&self) -> usize {
        if self.origins.is_empty() { self.events.len() } else { self.origins.len() }
    }

    /// Where an item comes from.
    pub fn origin(&self, item: usize) -> Origin {
        self.origins.get(item).copied().unwrap_or(Origin::Fresh(item as u32))
    }

    /// The event of an item.
    pub fn event(&self, item: usize) -> &'a Event {
        match self.origin(item) {
            Origin::Fresh(at) => &self.events[at as usize],
            Origin::Again { number, .. } => self.held(number).1,
        }
    }

    /// The texts of an item.
    pub fn texts(&self, item: usize) -> &'a Batch {
        match self.origin(item) {
            Origin::Fresh(_) => self.batch,
            Origin::Again { number, .. } => self.held(number).0,
        }
    }

    /// The number of an item's event.
    pub fn number(&self, item: usize) -> u64 {
        match self.origin(item) {
            Origin::Fresh(at) => self.first + u64::from(at),
            Origin::Again { number, .. } => number,
        }
    }

    /// Place in the stretch of the fresh event that an item is due to.
    pub fn cause(&self, item: usize) -> u32 {
        match self.origin(item) {
            Origin::Fresh(at) | Origin::Again { cause: at, .. } => at,
        }
    }

    fn held(&self, number: u64) -> (&'a Batch, &'a Event) {
        self.held.get(number).expect("what is judged again is held")
    }
}
