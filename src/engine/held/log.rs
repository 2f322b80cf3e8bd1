//! The log: a chunk for each step, with a copy of its events and texts. Chunks are used again, so
//! that keeping an event is copying it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::limits;
use crate::model::event::{Batch, Event};
use crate::model::time::Millis;
use crate::rules::plan::view::Role;

/// Chunks without a use that are kept for the next steps.
const SPARES_MAX: usize = 4;

/// The events of one step.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Chunk {
    /// Number of its first event.
    pub first: u64,
    pub batch: Batch,
    /// By event and role: number of the event before it of the same entity, its lower bits.
    pub before: Vec<[u32; Role::COUNT]>,
    /// By event: greatest event time once it was taken.
    pub greatest_ms: Vec<Millis>,
    /// Latest time of its events.
    pub latest_ms: Millis,
}

/// Events by their number in the order of taking.
#[derive(Clone, Debug)]
pub(in super::super) struct Held {
    /// Of earlier steps: shared with images that are being written, and with an engine beside.
    chunks: VecDeque<Arc<Chunk>>,
    /// Of the present step; empty between two steps.
    present: Chunk,
    spare: Vec<Chunk>,
    /// Number of the next event. 0 means none.
    next: u64,
}

impl Default for Held {
    fn default() -> Self {
        let present = Chunk::default();
        Self { chunks: VecDeque::new(), present, spare: Vec::new(), next: 1 }
    }
}

impl Held {
    /// Number of the next event.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// All of them, chunk by chunk.
    pub fn share(&self) -> Vec<Arc<Chunk>> {
        let Self { chunks, present: _, spare: _, next: _ } = self;
        chunks.iter().map(Arc::clone).collect()
    }

    /// The same again.
    pub fn take_back(chunks: Vec<Chunk>, next: u64) -> Self {
        Self { chunks: chunks.into_iter().map(Arc::new).collect(), next, ..Self::default() }
    }

    /// Keeps the events of a step; returns the number of the first.
    pub fn begin_step(&mut self, batch: &Batch) -> u64 {
        let first = self.next;
        self.next += batch.events.len() as u64;
        let mut chunk = self.spare.pop().unwrap_or_default();
        chunk.first = first;
        chunk.batch.text.push_str(&batch.text);
        chunk.batch.events.extend_from_slice(&batch.events);
        chunk.latest_ms = batch.events.iter().map(|event| event.time_ms).max().unwrap_or(0);
        self.present = chunk;
        first
    }

    /// Notes the greatest event time with the next event of the present step.
    pub fn clock(&mut self, greatest_ms: Millis) {
        self.present.greatest_ms.push(greatest_ms);
        self.present.before.push([0; Role::COUNT]);
    }

    /// Notes which event came before one of the present step, of its entity in a role.
    pub fn link(&mut self, number: u64, role: Role, before: u32) {
        let at = (number - self.present.first) as usize;
        self.present.before[at][role as usize] = before;
    }

    /// Lets go of what no arrival within the lateness can touch any more.
    pub fn end_step(&mut self, watermark_ms: Millis) {
        let present = std::mem::take(&mut self.present);
        if !present.batch.events.is_empty() {
            self.chunks.push_back(Arc::new(present));
        }
        while let Some(chunk) = self.chunks.front() {
            let end = chunk.first + chunk.batch.events.len() as u64;
            let beyond = end + limits::HELD_EVENTS_MAX < self.next;
            if !beyond && chunk.latest_ms > watermark_ms {
                break;
            }
            let Some(chunk) = self.chunks.pop_front() else { break };
            if let Ok(mut chunk) = Arc::try_unwrap(chunk)
                && self.spare.len() < SPARES_MAX
            {
                chunk.batch.clear();
                chunk.before.clear();
                chunk.greatest_ms.clear();
                self.spare.push(chunk);
            }
        }
    }

    /// The number that a lower half of one means to the event `now`: the newest before it.
    pub fn number(now: u64, low: u32) -> Option<u64> {
        let ago = u64::from((now as u32).wrapping_sub(low));
        (low != 0 && ago < now).then(|| now - ago)
    }

    /// An event with the texts it refers to.
    pub fn get(&self, number: u64) -> Option<(&Batch, &Event)> {
        let (chunk, at) = self.place(number)?;
        Some((&chunk.batch, &chunk.batch.events[at]))
    }

    /// Greatest event time once an event was taken.
    pub fn greatest_ms(&self, number: u64) -> Option<Millis> {
        self.place(number).map(|(chunk, at)| chunk.greatest_ms[at])
    }

    /// By role, the event before one of the same entity.
    pub fn before(&self, number: u64) -> Option<&[u32; Role::COUNT]> {
        self.place(number).map(|(chunk, at)| &chunk.before[at])
    }

    /// Events held, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        let chunks = self.chunks.iter().map(|chunk| &**chunk).chain([&self.present]);
        let events = chunks.clone().map(|chunk| chunk.batch.events.len()).sum();
        let bytes = chunks.chain(&self.spare).map(|chunk| {
            chunk.batch.text.capacity()
                + chunk.batch.events.capacity() * size_of::<Event>()
                + chunk.before.capacity() * size_of::<[u32; Role::COUNT]>()
                + chunk.greatest_ms.capacity() * size_of::<Millis>()
        });
        (events, bytes.sum())
    }

    fn place(&self, number: u64) -> Option<(&Chunk, usize)> {
        let present = &self.present;
        let inside = number.checked_sub(present.first).map(|inside| inside as usize);
        if let Some(inside) = inside.filter(|inside| *inside < present.greatest_ms.len()) {
            return Some((present, inside));
        }
        let at = self.chunks.partition_point(|chunk| chunk.first <= number).checked_sub(1)?;
        let chunk = &self.chunks[at];
        let inside = (number - chunk.first) as usize;
        (inside < chunk.greatest_ms.len()).then_some((chunk, inside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Body, Position};

    fn batch(times: &[Millis]) -> Batch {
        let event = |time_ms: &Millis| Event {
            position: Position::default(),
            record_time_ms: 0,
            time_ms: *time_ms,
            body: Body::Tick,
        };
        Batch { text: String::new(), events: times.iter().map(event).collect() }
    }

    #[test]
    fn events_are_found_by_number_until_the_watermark_has_passed_their_step() {
        let mut held = Held::default();
        for times in [&[10, 30][..], &[20], &[40, 50, 5]] {
            held.begin_step(&batch(times));
            times.iter().for_each(|time| held.clock(*time));
            held.end_step(0);
        }
        let time = |held: &Held, number| held.get(number).map(|(_, event)| event.time_ms);
        let all = |held: &Held| (0..8).map(|n| time(held, n)).collect::<Vec<_>>();
        let expect = [None, Some(10), Some(30), Some(20), Some(40), Some(50), Some(5), None];
        assert_eq!(all(&held), expect);
        held.end_step(29);
        assert_eq!(all(&held), expect);
        held.end_step(30);
        assert_eq!(all(&held)[..4], [None; 4]);
        assert_eq!(all(&held)[4..], expect[4..]);
        assert_eq!(held.size().0, 3);
    }

    #[test]
    fn lower_halves_mean_the_newest_number_before() {
        assert_eq!(Held::number(7, 0), None);
        assert_eq!(Held::number(7, 3), Some(3));
        let now = (5u64 << 32) + 2;
        assert_eq!(Held::number(now, 1), Some(now - 1));
        assert_eq!(Held::number(now, u32::MAX), Some(now - 3));
    }
}
