//! The events taken lately, which may be judged again. Of those that never are, nothing but their
//! place among the others is kept.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::held::{Chunk, Held};
use super::super::step::Engine;
use super::payments::renumbered;
use super::{AccountRow, Column, ImageError, PaymentEvent};
use crate::limits::SNAPSHOT_HELD_EVENTS;
use crate::model::event::{AccountEventKind, Batch, Body, Event, Position};
use crate::model::time::Millis;
use crate::rules::plan::view::Role;

/// Some of the events, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldImage {
    /// Its place among as many.
    pub number: u16,
    /// See above.
    pub of: u16,
    /// Number of the next event that comes.
    next: u64,
    chunks: Vec<ChunkRow>,
}

/// The events of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ChunkRow {
    first: u64,
    latest_ms: Millis,
    greatest_ms: Column<i64>,
    /// By event and role.
    before: Column<u32>,
    events: Vec<EventRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum EventRow {
    Payment(Box<PaymentEvent>),
    Account(Box<AccountRow>),
    /// What is never judged.
    Other {
        time_ms: Millis,
    },
}

/// A copy, made between two steps.
#[derive(Debug)]
pub struct HeldCopy {
    next: u64,
    chunks: Vec<Arc<Chunk>>,
}

impl HeldCopy {
    /// The copy as plain data, a part at a time; one at least.
    pub fn images(&self) -> impl Iterator<Item = HeldImage> {
        let mut ends = vec![0];
        let mut events = 0;
        for (place, chunk) in self.chunks.iter().enumerate() {
            events += chunk.batch.events.len();
            if events >= SNAPSHOT_HELD_EVENTS {
                events = 0;
                ends.push(place + 1);
            }
        }
        if ends.len() == 1 || events > 0 {
            ends.push(self.chunks.len());
        }
        let of = (ends.len() - 1) as u16;
        (0..of).map(move |number| {
            let of_part = ends[usize::from(number)]..ends[usize::from(number) + 1];
            let chunks = self.chunks[of_part].iter().map(|chunk| chunk_row(chunk)).collect();
            HeldImage { number, of, next: self.next, chunks }
        })
    }
}

impl HeldImage {
    /// Puts other numbers in the place of the topics'.
    ///
    /// # Errors
    /// [`ImageError`], when a topic has no new number.
    pub fn renumber_topics(&mut self, numbers: &[u16]) -> Result<(), ImageError> {
        for event in self.chunks.iter_mut().flat_map(|chunk| &mut chunk.events) {
            match event {
                EventRow::Payment(row) => row.topic = renumbered(numbers, row.topic)?,
                EventRow::Account(row) => row.topic = renumbered(numbers, row.topic)?,
                EventRow::Other { .. } => {}
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Copies the events taken lately.
    #[must_use]
    pub fn copy_held(&self) -> HeldCopy {
        HeldCopy { next: self.held.next_number(), chunks: self.held.share() }
    }

    /// Takes them in, in place of what is there: all parts, in order.
    ///
    /// # Errors
    /// [`ImageError`]; nothing has changed then.
    pub fn restore_held(&mut self, images: &[HeldImage]) -> Result<(), ImageError> {
        const WHAT: &str = "events taken lately";
        let Some(first) = images.first() else { return Err(ImageError::Columns(WHAT)) };
        let whole = images.len() == usize::from(first.of)
            && images.iter().enumerate().all(|(place, image)| {
                (usize::from(image.number), image.of, image.next) == (place, first.of, first.next)
            });
        if !whole || first.next == 0 {
            return Err(ImageError::Impossible(
                "not every part of the events taken lately is there",
            ));
        }
        let rows = images.iter().flat_map(|image| &image.chunks);
        let chunks: Vec<Chunk> = rows.map(chunk_of).collect::<Result<_, _>>()?;
        let mut next = chunks.first().map_or(first.next, |chunk| chunk.first);
        for chunk in &chunks {
            if chunk.first != next || chunk.first == 0 {
                return Err(ImageError::Impossible("events taken lately are not in order"));
            }
            next = next.saturating_add(chunk.batch.events.len() as u64);
        }
        if next != first.next {
            return Err(ImageError::Impossible("events taken lately are not in order"));
        }
        self.held = Held::take_back(chunks, next);
        Ok(())
    }
}

fn chunk_row(chunk: &Chunk) -> ChunkRow {
    let Chunk { first, batch, before, greatest_ms, latest_ms } = chunk;
    let Batch { text, events } = batch;
    let event = |event: &Event| match &event.body {
        Body::Payment(payment) => {
            EventRow::Payment(Box::new(PaymentEvent::of(event, payment, text)))
        }
        Body::Account(account)
            if matches!(account.kind, AccountEventKind::Opened | AccountEventKind::PhoneBound) =>
        {
            EventRow::Account(Box::new(AccountRow::of(event, account, text)))
        }
        _ => EventRow::Other { time_ms: event.time_ms },
    };
    ChunkRow {
        first: *first,
        latest_ms: *latest_ms,
        greatest_ms: Column(greatest_ms.clone()),
        before: Column(before.iter().flatten().copied().collect()),
        events: events.iter().map(event).collect(),
    }
}

fn chunk_of(row: &ChunkRow) -> Result<Chunk, ImageError> {
    let len = row.events.len();
    if row.greatest_ms.len() != len || row.before.len() != len * Role::COUNT {
        return Err(ImageError::Columns("events taken lately"));
    }
    let mut batch = Batch::default();
    for event in &row.events {
        let event = match event {
            EventRow::Payment(row) => row.event_in(&mut batch)?,
            EventRow::Account(row) => row.event_in(&mut batch)?,
            EventRow::Other { time_ms } => Event {
                position: Position::default(),
                record_time_ms: *time_ms,
                time_ms: *time_ms,
                body: Body::Tick,
            },
        };
        batch.events.push(event);
    }
    let before = row.before.0.chunks_exact(Role::COUNT);
    let before = before.filter_map(|roles| roles.first_chunk().copied()).collect();
    let greatest_ms = row.greatest_ms.0.clone();
    Ok(Chunk { first: row.first, batch, before, greatest_ms, latest_ms: row.latest_ms })
}
