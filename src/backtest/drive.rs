//! The loop: source, engine, tally.

use std::time::Instant;

use crate::engine::{Engine, Fork, StepOutput};
use crate::source::{Progress, Source, SourceError, Step};

use super::report::{Report, Tally};
use super::truth::Truth;

/// Why a drive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The source had no more.
    End,
    /// The observer said so.
    Stopped,
}

/// What an observer met.
pub type ObserverError = Box<dyn std::error::Error + Send + Sync>;

/// Watches a drive.
pub trait Observer {
    /// Called after each step; `false` ends the drive.
    ///
    /// # Errors
    /// Whatever it met while writing results away.
    fn step(
        &mut self,
        step: &Step,
        output: &StepOutput,
        tally: &Tally,
    ) -> Result<bool, ObserverError>;
}

/// Drives a source through an engine to its end.
///
/// # Errors
/// When the source cannot go on, or the observer fails.
pub fn drive(
    source: &mut dyn Source,
    engine: &mut Engine,
    fork: &dyn Fork,
    mut truth: Truth,
    observer: &mut dyn Observer,
) -> Result<(Report, Ending), DriveError> {
    let began = Instant::now();
    let mut tally = Tally::new(engine.plan());
    let mut step = Step::default();
    let ending = loop {
        step.clear();
        match source.next(&mut step)? {
            Progress::End => break Ending::End,
            Progress::Idle => continue,
            Progress::Step => {}
        }
        let taken = Instant::now();
        let output = engine.step(&step.batch, fork);
        tally.add(&step, &output, taken.elapsed());
        truth.learn(source.take_labels(), &step.batch);
        truth.observe(&output.alerts);
        if !observer.step(&step, &output, &tally).map_err(DriveError::Observer)? {
            break Ending::Stopped;
        }
    };
    let report = tally.report(engine, &truth, began.elapsed());
    Ok((report, ending))
}

/// Why a drive failed.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The source cannot go on.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The results could not be written away.
    #[error(transparent)]
    Observer(ObserverError),
}
