//! The step pipeline: source thread → engine (the caller's thread) → publisher thread, joined by
//! short bounded queues. The engine works on the next step while one is being committed; when the
//! publisher falls behind, the queues fill and reading waits.
//!
//! Time passes with what the records say. Where none come and a rule waits for something not to
//! happen, a tick of the wall clock is a step of its own, in the journal like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::findings::FindingsFile;
use super::reconcile::tally::Tally;
use super::reload::Pending;
use super::reload::activate::InForce;
use super::reload::book::Book;
use super::rolling::{Between, Roller};
use super::stop::{Stop, Why};
use super::trial::Trials;
use crate::engine::{Engine, Fork, StepOutput};
use crate::http::read_side::ReadSide;
use crate::limits;
use crate::model::alert::Alert;
use crate::model::time::Millis;
use crate::sink::{Commit, Message, Sink, SinkError};
use crate::source::kafka::lag::Lag;
use crate::source::{Progress, Source, SourceError, Step};
use crate::telemetry::Telemetry;
use crate::telemetry::event::{
    AlertPublished, CommitFailed, Committed, Next, RecordsRejected, TrialCompared,
};
use crate::wire::balance;
use crate::wire::encode::{Encoder, WallTimes, header};
use crate::wire::journal::{self, JournalCounts, JournalRecord, SCHEMA};

/// How often the idle publisher serves its client.
const IDLE: Duration = Duration::from_millis(100);
/// How often gauges that cost something are set.
const GAUGES: Duration = Duration::from_secs(5);
/// How often the comparison of rules on trial is shown, at most.
const COMPARED: Duration = Duration::from_secs(1);
/// How often it is told in the log, at most.
const COMPARED_ALOUD: Duration = Duration::from_secs(300);
/// How long an engine without work waits while a snapshot is taken.
const ROLLING: Duration = Duration::from_millis(5);

/// What the pipeline works with.
pub struct Parts<'a> {
    /// Scores.
    pub engine: &'a mut Engine,
    /// The engine's threads.
    pub fork: &'a dyn Fork,
    /// Makes messages.
    pub encoder: &'a mut Encoder,
    /// What is on trial.
    pub trials: &'a mut Trials,
    /// What the state may take for a trial to begin, in bytes.
    pub state_max: usize,
    /// What the journal holds of packs.
    pub book: Book,
    /// Rules that wait for the next step.
    pub pending: &'a Pending,
    /// Takes findings, if anybody asked for them.
    pub findings: Option<FindingsFile>,
    /// Counts.
    pub telemetry: &'a Telemetry,
    /// Shows.
    pub read_side: &'a ReadSide,
    /// Ends it.
    pub stop: &'a Stop,
    /// Consumer lag, if the source has one.
    pub lag: Option<Lag>,
    /// Takes snapshots, if they are wanted.
    pub snapshots: Option<Roller>,
    /// Number of the first step.
    pub next_step: u64,
    /// What became of records since the journal last said so.
    pub tally: Tally,
    /// How often it says so.
    pub reconcile_every: Duration,
}

/// Why the pipeline ended badly.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The source could not go on.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The sink could not go on.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The system gave no thread.
    #[error("no thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A thread died of a defect.
    #[error(
        "the {0} thread panicked, which is a defect; its message stands above. What was not committed is read \
         again after a start"
    )]
    Panicked(&'static str),
}

/// A step on its way to the engine.
pub struct Read {
    step: Step,
    at: Instant,
    wall_ms: Millis,
}

impl Read {
    /// A step that has just been read.
    #[must_use]
    pub fn now(step: Step) -> Self {
        Self { step, at: Instant::now(), wall_ms: wall_ms() }
    }
}

/// A commit on its way out, with what is told about it once it is durable.
pub struct Outgoing {
    commit: Commit,
    alerts: Vec<Alert>,
    read_at: Instant,
}

/// Runs until the stop flag is set or the source ends; everything read by then is committed.
///
/// # Errors
/// [`PipelineError`]; the flag is set then, too.
pub fn run(
    parts: Parts<'_>,
    source: &mut dyn Source,
    sink: &mut dyn Sink,
) -> Result<(), PipelineError> {
    let (read, steps) = bounded::<Read>(limits::STEPS_IN_FLIGHT_MAX);
    let (give_back, spare) = bounded::<Step>(limits::STEPS_IN_FLIGHT_MAX + 2);
    let (publish, outgoing) = bounded::<Outgoing>(limits::STEPS_IN_FLIGHT_MAX);
    let topics = source.topics().to_vec();
    let (stop, telemetry, read_side) = (parts.stop, parts.telemetry, parts.read_side);
    let between = parts.snapshots.as_ref().map(Roller::between);
    std::thread::scope(|scope| {
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let reading = named("goshawk-source").spawn_scoped(scope, move || {
            let _watch = StopOnPanic(stop);
            let outcome = read_steps(source, &read, &spare, stop);
            if outcome.is_err() {
                stop.because(Why::Failed);
            }
            outcome
        })?;
        let publishing = named("goshawk-publish").spawn_scoped(scope, move || {
            let _watch = StopOnPanic(stop);
            let publisher = Publisher::new(sink, telemetry, read_side).telling(between);
            let outcome = publish_commits(publisher, &outgoing);
            if let Err(error) = &outcome {
                let cause = error.to_string();
                telemetry.emit(CommitFailed { step: 0, cause: &cause, next: Next::Stop });
                stop.because(Why::Failed);
            }
            outcome
        })?;
        let mut gauges = Gauges::new(parts.lag.clone());
        // A panic here must not leave the others waiting for ever.
        let scored = catch_unwind(AssertUnwindSafe(|| {
            let _watch = StopOnPanic(stop);
            score(&mut Scorer::new(parts, topics), &mut gauges, &steps, &give_back, &publish);
        }));
        drop(publish);
        drop(steps);
        // The sink's error first: when it fails, the others merely end.
        let published = publishing.join();
        let read = reading.join();
        scored.map_err(|_| PipelineError::Panicked("engine"))?;
        published.map_err(|_| PipelineError::Panicked("publisher"))??;
        read.map_err(|_| PipelineError::Panicked("source"))??;
        Ok(())
    })
}

/// Ends all threads when one of them panics.
struct StopOnPanic<'a>(&'a Stop);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.because(Why::Failed);
        }
    }
}

fn read_steps(
    source: &mut dyn Source,
    read: &Sender<Read>,
    spare: &Receiver<Step>,
    stop: &Stop,
) -> Result<(), SourceError> {
    let mut step = Step::default();
    while stop.go_on() {
        step.clear();
        match source.next(&mut step)? {
            Progress::Idle => continue,
            Progress::End => return Ok(()),
            Progress::Step => {}
        }
        let next = spare.try_recv().unwrap_or_default();
        let filled = std::mem::replace(&mut step, next);
        if read.send(Read::now(filled)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The engine's part: ends when the source has ended, or the publisher has.
fn score(
    scorer: &mut Scorer<'_>,
    gauges: &mut Gauges,
    steps: &Receiver<Read>,
    give_back: &Sender<Step>,
    publish: &Sender<Outgoing>,
) {
    let telemetry = scorer.parts.telemetry;
    loop {
        let wait = match (scorer.is_rolling(), scorer.compared.stale) {
            (true, _) => ROLLING,
            (false, true) => COMPARED,
            (false, false) => GAUGES,
        };
        let read = match steps.recv_timeout(wait) {
            Ok(read) => read,
            Err(RecvTimeoutError::Timeout) => {
                gauges.set(telemetry, scorer.parts.engine);
                scorer.show_compared();
                scorer.roll();
                match scorer.tick(wall_ms()) {
                    Some(tick) => tick,
                    None => continue,
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                // The publisher may be gone; then there is an error that says more.
                scorer.sum_up().into_iter().for_each(|last| drop(publish.send(last)));
                break;
            }
        };
        let outgoing = scorer.score(&read);
        if publish.send(outgoing).is_err() {
            break;
        }
        telemetry.set_queue("engine", steps.len());
        telemetry.set_queue("publisher", publish.len());
        gauges.set(telemetry, scorer.parts.engine);
        scorer.show_compared();
        // After its alerts are on their way.
        scorer.roll();
        // A full queue only means that the source has spares enough.
        let _ = give_back.try_send(read.step);
    }
    if let Some(file) = &mut scorer.parts.findings {
        file.flush();
    }
}

/// A step becomes a commit.
pub struct Scorer<'a> {
    parts: Parts<'a>,
    topics: Vec<String>,
    /// Number of the next step.
    number: u64,
    /// When the journal says again what became of all records.
    sum_up_at: Instant,
    /// Makes the messages of the pack on trial.
    trial_encoder: Encoder,
    /// What the journal holds of packs.
    book: Book,
    compared: Compared,
}

impl<'a> Scorer<'a> {
    /// Scores steps of these topics.
    #[must_use]
    pub fn new(mut parts: Parts<'a>, topics: Vec<String>) -> Self {
        let sum_up_at = Instant::now() + parts.reconcile_every;
        let (trial_encoder, number) = (parts.encoder.clone(), parts.next_step);
        let (book, compared) = (std::mem::take(&mut parts.book), Compared::default());
        Self { parts, topics, number, sum_up_at, trial_encoder, book, compared }
    }

    /// What became of the records since the journal last said so, when nothing more will come.
    pub fn sum_up(&mut self) -> Option<Outgoing> {
        let sum = self.parts.tally.take(wall_ms())?;
        let messages = vec![journal::message(&sum)];
        let commit = Commit { step: sum.to_step, messages, runs: Vec::new() };
        Some(Outgoing { commit, alerts: Vec::new(), read_at: Instant::now() })
    }

    /// The passing of time as a step, if a rule waits for it: only where everything that has
    /// arrived was read, since a tick makes what comes after it late.
    #[must_use]
    pub fn tick(&self, now_ms: Millis) -> Option<Read> {
        let Parts { engine, trials, lag, .. } = &self.parts;
        let behind = lag.as_ref()?.read();
        let read_all = !behind.is_empty() && behind.iter().all(|behind| behind.records == 0);
        let waits = [engine.waits_until_ms(), trials.waits_until_ms()];
        let is_due = waits.into_iter().flatten().min()? <= now_ms - engine.lateness_ms();
        (read_all && is_due).then(|| {
            let mut step = Step::default();
            step.add_tick(now_ms);
            Read::now(step)
        })
    }

    /// Scores the next step: under new rules, if some wait.
    pub fn score(&mut self, read: &Read) -> Outgoing {
        let Read { step, at, wall_ms } = read;
        let reconcile_every = self.parts.reconcile_every;
        let Parts {
            engine,
            fork,
            encoder,
            trials,
            state_max,
            pending,
            findings,
            telemetry,
            read_side,
            tally,
            snapshots,
            ..
        } = &mut self.parts;
        let number = self.number;
        // Here and nowhere else: every event of a step is judged by one pack.
        let changed = InForce {
            engine,
            encoder,
            trial_encoder: &mut self.trial_encoder,
            trials,
            book: &mut self.book,
            state_max: *state_max,
            snapshots: snapshots.as_mut(),
            telemetry,
            read_side,
        }
        .take(pending, (number, *wall_ms));
        let began = Instant::now();
        let output = engine.step(&step.batch, *fork);
        let events = step.batch.events.len() as u64;
        telemetry.decision.record(began.elapsed(), events);
        if let Some(file) = findings {
            file.write(engine.plan(), &step.batch, &output.findings, encoder.mask());
        }
        telemetry.record_step(step, &output);
        let on_trial = trials.step(number, &step.batch, &output, *fork);
        self.compared.stale = true;
        read_side.record_step(&output.counts, step.rejected.len(), output.watermark_ms);
        if let Some(first) = step.rejected.first() {
            let topic = &self.topics[usize::from(first.reject.position.topic)];
            telemetry.emit(RecordsRejected {
                count: step.rejected.len(),
                first: &first.reject,
                topic,
            });
        }
        let mut before = changed;
        if *at >= self.sum_up_at {
            self.sum_up_at = Instant::now() + reconcile_every;
            before.extend(tally.take(*wall_ms).map(|sum| journal::message(&sum)));
        }
        let pack = &engine.plan().pack_sha256;
        let record = record_of(number, step, &output, &self.topics, pack);
        telemetry.record_runs(&record.runs);
        tally.add(&record);
        let said = Said { output: &output, on_trial: &on_trial, before };
        let encoders = [&**encoder, &self.trial_encoder];
        let commit = commit_of(&record, step, said, encoders, *wall_ms);
        if let Some(roller) = snapshots.as_mut() {
            roller.took(&step.runs);
        }
        self.number += 1;
        let mut alerts = output.alerts;
        alerts.extend(on_trial);
        Outgoing { commit, alerts, read_at: *at }
    }

    /// Shows how rules on trial compare by now, if it is time.
    fn show_compared(&mut self) {
        let Parts { engine, trials, telemetry, read_side, .. } = &self.parts;
        self.compared.show(trials, engine, telemetry, read_side);
    }
}

/// What a step said.
struct Said<'a> {
    output: &'a StepOutput,
    /// Alerts of the pack on trial.
    on_trial: &'a [Alert],
    /// What the journal must say before the step's record.
    before: Vec<Message>,
}

impl Scorer<'_> {
    /// Copies some of the state for a snapshot, if one is wanted.
    pub fn roll(&mut self) {
        let Parts { engine, trials, telemetry, snapshots, .. } = &mut self.parts;
        if let Some(roller) = snapshots {
            roller.roll(engine, trials, self.number - 1, telemetry);
        }
    }

    fn is_rolling(&self) -> bool {
        self.parts.snapshots.as_ref().is_some_and(Roller::is_rolling)
    }
}

/// What the journal says of a step.
#[must_use]
pub fn record_of(
    number: u64,
    step: &Step,
    output: &StepOutput,
    topics: &[String],
    pack: &str,
) -> JournalRecord {
    JournalRecord {
        schema: SCHEMA.to_owned(),
        step: number,
        runs: journal::name_runs(&step.runs, topics, balance::of_step(step, output)),
        rule_pack: pack.to_owned(),
        tick_ms: step.tick_ms(),
        watermark_ms: output.watermark_ms,
        counts: JournalCounts::of(&output.counts, step.rejected.len(), output.alerts.len()),
    }
}

/// `encoders`: that of the pack in force, and that of the pack on trial.
fn commit_of(
    record: &JournalRecord,
    step: &Step,
    said: Said<'_>,
    encoders: [&Encoder; 2],
    ingested_ms: Millis,
) -> Commit {
    let (now_ms, Said { output, on_trial, before }) = (wall_ms(), said);
    let wall = WallTimes { ingested_ms, detected_ms: now_ms, published_ms: now_ms };
    let [encoder, trial_encoder] = encoders;
    let mut messages: Vec<_> =
        output.alerts.iter().map(|alert| encoder.alert(alert, &wall)).collect();
    messages.extend(on_trial.iter().map(|alert| {
        let mut message = trial_encoder.alert(alert, &wall);
        let pack = trial_encoder.pack().sha256.clone();
        message.headers.push((header::TRIAL.to_owned(), pack.into_bytes()));
        message
    }));
    messages.extend(step.rejected.iter().map(|rejected| encoder.reject(rejected)));
    messages.extend(step.rejoin(&output.rejects).iter().map(|rejected| encoder.reject(rejected)));
    for message in &mut messages {
        message.headers.push((header::STEP.to_owned(), record.step.to_string().into_bytes()));
    }
    messages.extend(before);
    messages.push(journal::message(record));
    Commit { step: record.step, messages, runs: step.runs.clone() }
}

fn publish_commits(
    mut publisher: Publisher<'_>,
    outgoing: &Receiver<Outgoing>,
) -> Result<(), SinkError> {
    loop {
        match outgoing.recv_timeout(IDLE) {
            Ok(first) => publisher.publish(first, || outgoing.try_recv().ok())?,
            Err(RecvTimeoutError::Timeout) => publisher.sink.flush()?,
            Err(RecvTimeoutError::Disconnected) => return publisher.sink.flush(),
        }
    }
}

/// Commits become durable, and are told.
pub struct Publisher<'a> {
    sink: &'a mut dyn Sink,
    telemetry: &'a Telemetry,
    read_side: &'a ReadSide,
    /// Learns what is durable.
    between: Option<Arc<Between>>,
    /// Taken by the sink and not yet told.
    told: Vec<Outgoing>,
}

impl<'a> Publisher<'a> {
    /// Publishes through a sink.
    #[must_use]
    pub fn new(sink: &'a mut dyn Sink, telemetry: &'a Telemetry, read_side: &'a ReadSide) -> Self {
        Self { sink, telemetry, read_side, between: None, told: Vec::new() }
    }

    /// Tells snapshots what is durable.
    #[must_use]
    pub fn telling(mut self, between: Option<Arc<Between>>) -> Self {
        self.between = between;
        self
    }

    /// Publishes a commit, and with it those that are ready already, up to the queue's length.
    ///
    /// # Errors
    /// [`SinkError`], when the sink cannot go on.
    pub fn publish(
        &mut self,
        first: Outgoing,
        mut more: impl FnMut() -> Option<Outgoing>,
    ) -> Result<(), SinkError> {
        let began = Instant::now();
        let mut next = Some(first);
        while let Some(out) = next {
            self.sink.publish(out.commit.clone())?;
            self.told.push(out);
            next = if self.told.len() < limits::STEPS_IN_FLIGHT_MAX { more() } else { None };
        }
        self.sink.flush()?;
        let step = self.told.last().map_or(0, |out| out.commit.step);
        self.between.iter().for_each(|between| between.commit(step));
        let messages = self.told.iter().map(|out| out.commit.messages.len()).sum();
        self.telemetry.emit(Committed { step, messages, took: began.elapsed() });
        for out in self.told.drain(..) {
            for alert in &out.alerts {
                self.telemetry.emit(AlertPublished { alert, took: out.read_at.elapsed() });
            }
            out.commit.messages.iter().for_each(|message| self.read_side.record_message(message));
        }
        Ok(())
    }
}

/// Gauges that are dear to read, set now and then.
struct Gauges {
    lag: Option<Lag>,
    due: Instant,
}

impl Gauges {
    fn new(lag: Option<Lag>) -> Self {
        Self { lag, due: Instant::now() }
    }

    fn set(&mut self, telemetry: &Telemetry, engine: &Engine) {
        if Instant::now() < self.due {
            return;
        }
        self.due = Instant::now() + GAUGES;
        telemetry.set_state(&engine.memory());
        let now_ms = wall_ms();
        telemetry.set_freshness(now_ms);
        for behind in self.lag.iter().flat_map(Lag::read) {
            let waited_ms = behind.oldest_ms.map_or(0, |oldest_ms| (now_ms - oldest_ms).max(0));
            let seconds = waited_ms as f64 / 1e3;
            telemetry.set_lag(&behind.topic, behind.partition, behind.records, seconds);
        }
    }
}

/// The comparison of rules on trial, shown now and then.
#[derive(Default)]
struct Compared {
    /// Steps have been taken since it was shown.
    stale: bool,
    shown: Option<Instant>,
    told: Option<Instant>,
}

impl Compared {
    fn show(&mut self, trials: &Trials, live: &Engine, telemetry: &Telemetry, shows: &ReadSide) {
        let over = |last: Option<Instant>, least| last.is_none_or(|last| last.elapsed() >= least);
        if !self.stale || !over(self.shown, COMPARED) {
            return;
        }
        let now = Instant::now();
        (self.stale, self.shown) = (false, Some(now));
        let shown = trials.figures(live.plan());
        let aloud = over(self.told, COMPARED_ALOUD);
        if aloud {
            self.told = Some(now);
        }
        telemetry.emit(TrialCompared { shown: &shown, aloud });
        shows.rules.set_shadow(shown);
    }
}

/// Wall-clock time; for headers and ticks.
fn wall_ms() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
