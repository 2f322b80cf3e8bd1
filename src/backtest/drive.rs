//! The loop: source, engines, tallies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::contrast::Contrast;
use crate::engine::{Engine, EngineConfig, Fork, StepOutput};
use crate::rules::plan::Plan;
use crate::source::{Progress, Source, SourceError, Step};

use super::tally::Tally;
use super::truth::{Found, Truth};

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
    /// Called after each step with what the first pack made of it; `false` ends the drive.
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

/// One pack of a drive: its engine, and what came of it so far.
#[derive(Debug)]
pub struct Lane {
    /// The engine.
    pub engine: Engine,
    pub(super) tally: Tally,
    pub(super) found: Found,
}

impl Lane {
    /// A pack with an engine of its own, which reports its findings.
    #[must_use]
    pub fn new(config: EngineConfig, plan: Arc<Plan>) -> Self {
        let tally = Tally::new(&plan, config.utc_offset_ms);
        let found = Found::new(plan.rules.len());
        let engine = Engine::new(EngineConfig { report_findings: true, ..config }, plan);
        Self { engine, tally, found }
    }

    fn step(&mut self, step: &Step, truth: &Truth, fork: &dyn Fork) -> StepOutput {
        let taken = Instant::now();
        let output = self.engine.step(&step.batch, fork);
        self.tally.add(step, &output, taken.elapsed());
        self.found.observe(truth, self.engine.plan(), step, &output);
        output
    }
}

/// Packs over the same events.
#[derive(Debug)]
pub struct Drive {
    /// The packs; the first is the one that observers watch.
    pub lanes: Vec<Lane>,
    /// The labels.
    pub truth: Truth,
    /// The first pack after a change against the second before it, if asked for.
    pub contrast: Option<Contrast>,
    pub(super) took: Duration,
}

impl Drive {
    /// Nothing read yet.
    #[must_use]
    pub fn new(lanes: Vec<Lane>, truth: Truth) -> Self {
        Self { lanes, truth, contrast: None, took: Duration::ZERO }
    }

    /// Drives a source through every pack to its end.
    ///
    /// # Errors
    /// When the source cannot go on, or the observer fails.
    pub fn run(
        &mut self,
        source: &mut dyn Source,
        fork: &dyn Fork,
        observer: &mut dyn Observer,
    ) -> Result<Ending, DriveError> {
        let began = Instant::now();
        let mut step = Step::default();
        let ending = loop {
            step.clear();
            match source.next(&mut step)? {
                Progress::End => break Ending::End,
                Progress::Idle => continue,
                Progress::Step => {}
            }
            self.truth.learn(source.take_labels(), &step.batch);
            let mut go_on = true;
            let mut first = StepOutput::default();
            for (index, lane) in self.lanes.iter_mut().enumerate() {
                let output = lane.step(&step, &self.truth, fork);
                match (index, &mut self.contrast) {
                    (0, _) => {
                        go_on = observer
                            .step(&step, &output, &lane.tally)
                            .map_err(DriveError::Observer)?;
                        first = output;
                    }
                    (1, Some(contrast)) => contrast.packs(&output, &first),
                    _ => {}
                }
            }
            if !go_on {
                break Ending::Stopped;
            }
        };
        self.took = began.elapsed();
        Ok(ending)
    }
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
