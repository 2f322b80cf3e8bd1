//! Going on from parts that were taken at different steps: each ignores what it already holds.

use super::super::step::Engine;
use super::super::{Fork, StepOutput};
use super::ImageError;
use crate::limits;
use crate::model::entity::Shard;
use crate::model::event::Batch;
use crate::model::time::Millis;

/// The step after which each part was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// By shard: the part of the consult phase.
    pub consult: Vec<u64>,
    /// By shard: the part of the visits.
    pub ledgers: Vec<u64>,
    /// The part of the act phase.
    pub act: u64,
    /// Greatest event time seen when the oldest part was taken.
    pub greatest_ms: Millis,
    /// Number of the next event then.
    pub next_event: u64,
}

impl Resume {
    /// Checks that every part goes on with all it depends on at hand.
    ///
    /// # Errors
    /// [`ImageError`], when a part is missing or was taken before one it depends on.
    pub fn check(&self) -> Result<(), ImageError> {
        let all = |steps: &[u64]| steps.len() == limits::SHARDS;
        if !all(&self.consult) || !all(&self.ledgers) {
            return Err(ImageError::Impossible("there is not one part for each shard"));
        }
        let newest = |steps: &[u64]| steps.iter().copied().max().unwrap_or(0);
        let oldest_ledgers = self.ledgers.iter().copied().min().unwrap_or(0);
        if newest(&self.consult) > oldest_ledgers || newest(&self.ledgers) > self.act {
            return Err(ImageError::Impossible(
                "the parts were taken in an order that cannot be gone on from",
            ));
        }
        Ok(())
    }

    /// The step after which the oldest part was taken: what comes later must be repeated.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.consult.iter().copied().min().unwrap_or(0)
    }
}

/// What of the present step is already there.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Already<'a> {
    resume: &'a Resume,
    step: u64,
}

impl<'a> Already<'a> {
    pub fn at(resume: Option<&'a Resume>, step: u64) -> Option<Self> {
        resume.map(|resume| Self { resume, step })
    }

    pub fn has_consult(self, shard: Shard) -> bool {
        self.step <= self.resume.consult[usize::from(shard)]
    }

    pub fn has_ledgers(self, shard: Shard) -> bool {
        self.step <= self.resume.ledgers[usize::from(shard)]
    }

    /// Number of the present step's first event.
    pub fn first_event(self) -> u64 {
        self.resume.next_event
    }

    pub fn has_act(self) -> bool {
        self.step <= self.resume.act
    }
}

impl Engine {
    /// Says that the parts taken in are of different steps. Steps after the oldest are repeated by
    /// [`Engine::repeat`] until all are of one.
    ///
    /// # Errors
    /// [`ImageError`], see [`Resume::check`].
    pub fn resume(&mut self, resume: Resume) -> Result<(), ImageError> {
        resume.check()?;
        self.greatest_ms = resume.greatest_ms;
        self.resume = Some(resume).filter(|resume| resume.oldest() < resume.act);
        Ok(())
    }

    /// Takes step number `step` once more, as far as it is not held: what it says is only the whole
    /// where [`Engine::is_whole_at`] says so.
    pub fn repeat(&mut self, step: u64, batch: &Batch, fork: &dyn Fork) -> StepOutput {
        let mut resume = self.resume.take();
        let output = self.work_on(batch, fork, Already::at(resume.as_ref(), step));
        if let Some(resume) = &mut resume {
            resume.next_event += batch.events.len() as u64;
        }
        self.resume = resume.filter(|resume| step < resume.act);
        output
    }

    /// Whether every part takes part in this step.
    #[must_use]
    pub fn is_whole_at(&self, step: u64) -> bool {
        self.resume.as_ref().is_none_or(|resume| resume.act < step)
    }
}
