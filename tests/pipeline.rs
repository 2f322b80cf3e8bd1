//! The pipeline's threads when one of them dies of a defect: all end, nothing more is committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use goshawk::engine::{Engine, EngineConfig, Fork, Inline};
use goshawk::http::read_side::ReadSide;
use goshawk::model::event::{Body, Event, Position};
use goshawk::runtime::pack;
use goshawk::runtime::pipeline::{self, Parts, PipelineError};
use goshawk::runtime::reconcile::tally::Tally;
use goshawk::runtime::reload::Pending;
use goshawk::runtime::reload::book::Book;
use goshawk::runtime::stop::{Stop, Why};
use goshawk::runtime::trial::Trials;
use goshawk::sink::{Commit, Sink, SinkError};
use goshawk::source::{Progress, Run, Source, SourceError, Step};
use goshawk::telemetry::Telemetry;
use goshawk::wire::encode::privacy::Privacy;
use goshawk::wire::encode::{EncodeConfig, Encoder, PackName};

/// Which thread dies, if any, and after how many steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dies {
    Source,
    Engine,
    Publisher,
    Nobody,
}

const AFTER: u64 = 3;
const END: u64 = 20;

/// One event a step; then none for ever, or the end.
struct Records {
    topics: [String; 1],
    next: i64,
    dies: Dies,
}

impl Source for Records {
    fn topics(&self) -> &[String] {
        &self.topics
    }

    fn next(&mut self, step: &mut Step) -> Result<Progress, SourceError> {
        let number = self.next as u64;
        assert!(self.dies != Dies::Source || number < AFTER, "planted");
        if number == END && self.dies == Dies::Nobody {
            return Ok(Progress::End);
        }
        if number >= AFTER && self.dies != Dies::Nobody {
            // Idle, so that nobody learns of a death by being handed something.
            std::thread::sleep(Duration::from_millis(5));
            return Ok(Progress::Idle);
        }
        let position = Position { topic: 0, partition: 0, offset: self.next };
        let time_ms = 1_780_000_000_000 + self.next;
        let event = Event { position, record_time_ms: time_ms, time_ms, body: Body::Tick };
        step.batch.events.push(event);
        step.runs.push(Run { topic: 0, partition: 0, from: self.next, to: self.next + 1 });
        self.next += 1;
        Ok(Progress::Step)
    }
}

struct Commits {
    taken: Arc<AtomicU64>,
    dies: Dies,
}

impl Sink for Commits {
    fn publish(&mut self, commit: Commit) -> Result<(), SinkError> {
        assert!(self.dies != Dies::Publisher || commit.step < AFTER, "planted");
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Work that dies when it is asked for once too often.
struct Mortal {
    calls: AtomicU64,
    dies: Dies,
}

impl Fork for Mortal {
    fn run(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        assert!(self.dies != Dies::Engine || call < AFTER, "planted");
        Inline.run(tasks, work);
    }
}

/// How a pipeline ends, why it was told to, and how many commits were taken.
fn run(dies: Dies) -> (Result<(), PipelineError>, Option<Why>, u64) {
    let plan = Arc::new(pack::load(None).expect("the shipped pack"));
    let mut engine = Engine::new(EngineConfig::for_tenant("t"), Arc::clone(&plan));
    let mut trials = Trials::new(&engine);
    let mut encoder = Encoder::new(EncodeConfig {
        tenant: "t".to_owned(),
        instance: "t".to_owned(),
        source_system: "goshawk".to_owned(),
        topics: vec!["payments".to_owned()],
        privacy: Privacy::Clear,
        pack: PackName::of(&plan),
        zone: jiff::tz::TimeZone::UTC,
    });
    let telemetry = Telemetry::new().expect("metrics are sound");
    let (read_side, stop, pending) = (ReadSide::new("t"), Stop::default(), Pending::default());
    let fork = Mortal { calls: AtomicU64::new(0), dies };
    let taken = Arc::new(AtomicU64::new(0));
    let mut sink = Commits { taken: Arc::clone(&taken), dies };
    let mut source = Records { topics: ["payments".to_owned()], next: 0, dies };
    let parts = Parts {
        engine: &mut engine,
        fork: &fork,
        encoder: &mut encoder,
        trials: &mut trials,
        state_max: usize::MAX,
        book: Book::default(),
        pending: &pending,
        findings: None,
        telemetry: &telemetry,
        read_side: &read_side,
        stop: &stop,
        lag: None,
        snapshots: None,
        next_step: 1,
        tally: Tally::default(),
        reconcile_every: Duration::from_secs(60),
    };
    let outcome = pipeline::run(parts, &mut source, &mut sink);
    (outcome, stop.why(), taken.load(Ordering::Relaxed))
}

#[test]
fn a_panic_in_any_thread_ends_them_all() {
    let all = [(Dies::Source, "source"), (Dies::Engine, "engine"), (Dies::Publisher, "publisher")];
    for (dies, name) in all {
        let began = Instant::now();
        let (outcome, why, taken) = run(dies);
        assert!(began.elapsed() < Duration::from_secs(10), "{name}: {:?}", began.elapsed());
        let error = outcome.expect_err("a thread died").to_string();
        assert!(error.starts_with(&format!("the {name} thread panicked")), "{error}");
        assert_eq!(why, Some(Why::Failed), "{name}");
        assert!(taken <= AFTER + 1, "{name}: {taken} commits");
    }
}

#[test]
fn a_source_that_ends_is_no_failure_and_the_journal_sums_up() {
    let (outcome, why, taken) = run(Dies::Nobody);
    assert!(outcome.is_ok() && why.is_none());
    // A commit for each step, and one for the sum over all of them.
    assert_eq!(taken, END + 1);
}
