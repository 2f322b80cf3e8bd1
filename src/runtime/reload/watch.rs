//! The folders are looked at: every few seconds, and when somebody asks.
//!
//! By content and not by the system's notices: those do not come over network mounts, and a
//! mounted configuration map changes by a link far above the file. Every file is read, the whole
//! twice with a pause between, and only what was the same both times is taken: two people writing
//! at once, or a copy half done, are waited for.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::{Candidate, Changes, Pending};
use crate::http::read_side::ReadSide;
use crate::http::rules::{LoadAnswer, LoadOutcome, LoadRequest, RuleProblem};
use crate::limits;
use crate::rules::SourceFile;
use crate::rules::plan::Plan;
use crate::runtime::config::Config;
use crate::runtime::pack::{self, Folders, PackError};
use crate::runtime::ready;
use crate::runtime::stop::{Stop, Why};
use crate::telemetry::Telemetry;
use crate::telemetry::event::{RuleDefect, RulesRefused};

/// Between the two readings.
const SETTLE: Duration = Duration::from_millis(250);
/// How often it is looked whether to end.
const LOOK: Duration = Duration::from_millis(100);

/// What is watched, and who is told.
pub struct Watched {
    /// Where the rules are, and which day it is there.
    pub config: Config,
    /// Files of the pack in force.
    pub files: Vec<SourceFile>,
    /// The pack in force.
    pub plan: Arc<Plan>,
    /// Where candidates wait.
    pub pending: Arc<Pending>,
    /// Counts.
    pub telemetry: Arc<Telemetry>,
    /// Shows, and has the door.
    pub read_side: Arc<ReadSide>,
}

/// The watching thread; ends when dropped.
pub struct Watching {
    leave: Stop,
    read_side: Arc<ReadSide>,
    thread: Option<JoinHandle<()>>,
}

impl Watching {
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(watched: Watched) -> std::io::Result<Self> {
        let (door, requests) = bounded::<LoadRequest>(limits::RULE_CALLERS_MAX);
        let (leave, read_side) = (Stop::default(), Arc::clone(&watched.read_side));
        let left = leave.clone();
        let thread = std::thread::Builder::new()
            .name("goshawk-rules".to_owned())
            .spawn(move || Watcher { watched, told: None }.run(&requests, &left))?;
        read_side.rules.set_door(Some(door));
        Ok(Self { leave, read_side, thread: Some(thread) })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.read_side.rules.set_door(None);
        self.leave.because(Why::Asked);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported; the rules in force stay.
            let _ = thread.join();
        }
    }
}

/// Whether a look was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The time had come.
    Turn,
    /// A caller waits.
    Caller,
}

struct Watcher {
    watched: Watched,
    /// What was refused last and on which day: it is said once.
    told: Option<(Seen, String)>,
}

/// What a reading came to.
type Seen = Result<Vec<SourceFile>, String>;

impl Watcher {
    fn run(mut self, requests: &Receiver<LoadRequest>, left: &Stop) {
        let poll_ms = self.watched.config.rules_poll;
        let poll = u64::try_from(poll_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
        let mut due = poll.map(|poll| Instant::now() + poll);
        while left.go_on() {
            match requests.recv_timeout(LOOK) {
                Ok(request) => {
                    let answer = self.look(Asked::Caller);
                    // A caller who has gone away has changed the rules all the same.
                    let _ = request.answer.send(answer);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if due.is_some_and(|due| Instant::now() >= due) {
                self.look(Asked::Turn);
                due = poll.map(|poll| Instant::now() + poll);
            }
        }
    }

    /// Looks at the folders and, if they hold other rules than the last ones, takes them or says
    /// what is wrong.
    fn look(&mut self, asked: Asked) -> LoadAnswer {
        let day = ready::today(&self.watched.config);
        let (seen, _) = self.read();
        if seen.as_ref() == Ok(&self.watched.files) {
            self.told = None;
            return self.answer(LoadOutcome::Unchanged);
        }
        let known = self.told.as_ref().is_some_and(|(told, on)| (told, on) == (&seen, &day));
        if known && asked == Asked::Turn {
            return self.answer(LoadOutcome::Refused);
        }
        std::thread::sleep(SETTLE);
        let (again, error) = self.read();
        if seen != again {
            return self.answer(LoadOutcome::Unsettled);
        }
        let began = Instant::now();
        let compiled = match (&seen, error) {
            (Ok(files), _) => pack::compile(files.clone()),
            (Err(_), Some(error)) => Err(error),
            (Err(_), None) => return self.answer(LoadOutcome::Unsettled),
        };
        let took = began.elapsed();
        self.watched.telemetry.set_rule_compile(took);
        let fit = compiled.map_err(|error| problems(&error)).and_then(|plan| {
            pack::require_valid(&plan, &day).map_err(|error| problems(&error))?;
            plan.follows(&self.watched.plan).map_err(|problem| vec![plain(problem.to_owned())])?;
            Ok(plan)
        });
        let by = if asked == Asked::Caller { "http" } else { "folder" };
        let mut answer = match (fit, seen) {
            (Ok(plan), Ok(files)) => self.take(plan, files, by),
            (fit, seen) => {
                let problems = fit.err().unwrap_or_default();
                let defects: Vec<_> = problems.iter().map(defect).collect();
                self.watched.telemetry.emit(RulesRefused { by, defects: &defects });
                self.told = Some((seen, day));
                LoadAnswer { problems, ..self.answer(LoadOutcome::Refused) }
            }
        };
        answer.compile_ms = u64::try_from(took.as_millis()).ok();
        answer
    }

    /// Hands a pack over.
    fn take(&mut self, plan: Plan, files: Vec<SourceFile>, by: &'static str) -> LoadAnswer {
        self.told = None;
        let changes = Changes::between(&self.watched.files, &files);
        let to = plan.pack_sha256.clone();
        let answer = LoadAnswer {
            to: Some(to.clone()),
            changes: changes.told.clone(),
            differences: changes.count,
            ..self.answer(LoadOutcome::Accepted)
        };
        let plan = Arc::new(plan);
        self.watched.plan = Arc::clone(&plan);
        self.watched.files.clone_from(&files);
        self.watched.read_side.rules.set_pending(&to);
        self.watched.pending.put(Candidate { plan, files, by, changes });
        answer
    }

    fn answer(&self, outcome: LoadOutcome) -> LoadAnswer {
        LoadAnswer {
            outcome,
            from: self.watched.plan.pack_sha256.clone(),
            to: None,
            problems: Vec::new(),
            changes: Vec::new(),
            differences: 0,
            compile_ms: None,
        }
    }

    /// The folders' files, or what is wrong with them as text and as it is.
    fn read(&self) -> (Seen, Option<PackError>) {
        let config = &self.watched.config;
        let folders = Folders { rules: config.rules.as_deref(), overlays: &config.overlays };
        match folders.files() {
            Ok(files) => (Ok(files), None),
            Err(error) => (Err(words(&error)), Some(error)),
        }
    }
}

/// An error in full, for comparing.
fn words(error: &PackError) -> String {
    match error {
        PackError::Wrong { found, files } => format!("{error} {found:?} {files:?}"),
        other => other.to_string(),
    }
}

/// What is wrong, a problem each.
fn problems(error: &PackError) -> Vec<RuleProblem> {
    let PackError::Wrong { found, .. } = error else { return vec![plain(error.to_string())] };
    let problem = |defect: &crate::rules::diagnostics::Diagnostic| {
        let placed = !defect.path.is_empty();
        RuleProblem {
            file: placed.then(|| defect.path.clone()),
            line: placed.then_some(defect.line),
            column: placed.then_some(defect.column),
            message: defect.message.clone(),
            hint: defect.hint.clone(),
        }
    };
    found.iter().map(problem).collect()
}

fn plain(message: String) -> RuleProblem {
    RuleProblem { file: None, line: None, column: None, message, hint: None }
}

fn defect(problem: &RuleProblem) -> RuleDefect<'_> {
    RuleDefect {
        file: problem.file.as_deref().unwrap_or_default(),
        place: (problem.line.unwrap_or_default(), problem.column.unwrap_or_default()),
        message: &problem.message,
        hint: problem.hint.as_deref().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rules::shipped;

    const BURST: &str = "mule/m02_burst_out.toml";

    fn watcher(folder: &Path) -> Watcher {
        for file in shipped::files() {
            let path = folder.join(&file.path);
            std::fs::create_dir_all(path.parent().expect("inside")).expect("made");
            std::fs::write(path, file.text).expect("written");
        }
        let config = Config { rules: Some(folder.to_owned()), ..Config::default() };
        let folders = Folders { rules: Some(folder), overlays: &[] };
        let files = folders.files().expect("just written");
        let watched = Watched {
            plan: Arc::new(pack::compile(files.clone()).expect("the shipped pack")),
            config,
            files,
            pending: Arc::default(),
            telemetry: Arc::new(Telemetry::new().expect("distinct names")),
            read_side: Arc::new(ReadSide::new("test")),
        };
        Watcher { watched, told: None }
    }

    fn edit(folder: &Path, from: &str, to: &str) {
        let path = folder.join(BURST);
        let text = std::fs::read_to_string(&path).expect("there");
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replacen(from, to, 1)).expect("written");
    }

    #[test]
    fn a_pack_that_compiles_waits_for_the_next_step_and_says_what_differs() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut watcher = watcher(folder.path());
        assert_eq!(watcher.look(Asked::Turn).outcome, LoadOutcome::Unchanged);
        edit(folder.path(), "weight  = 35", "weight  = 34");
        let answer = watcher.look(Asked::Turn);
        assert_eq!(answer.outcome, LoadOutcome::Accepted, "{answer:?}");
        assert_eq!(answer.changes, ["rule M02 weight: 35 -> 34"]);
        let candidate = watcher.watched.pending.take().expect("it waits");
        assert_eq!(Some(&candidate.plan.pack_sha256), answer.to.as_ref());
        assert_ne!(answer.from, candidate.plan.pack_sha256);
        assert_eq!(watcher.look(Asked::Caller).outcome, LoadOutcome::Unchanged);
    }

    #[test]
    fn a_defect_is_told_with_its_place_and_nothing_waits() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut watcher = watcher(folder.path());
        edit(folder.path(), "weight  = 35", "weight  = 34\nwieght = 1");
        let answer = watcher.look(Asked::Turn);
        assert_eq!(answer.outcome, LoadOutcome::Refused);
        let [problem] = answer.problems.as_slice() else { panic!("{answer:?}") };
        assert_eq!(problem.file.as_deref(), Some(BURST));
        assert!(problem.line > Some(1) && problem.hint.is_some(), "{problem:?}");
        assert!(watcher.watched.pending.take().is_none());
        let refused = |w: &Watcher| {
            let text = w.watched.telemetry.render().expect("renders");
            let text = String::from_utf8_lossy(&text);
            text.contains("goshawk_rule_changes_total{outcome=\"refused\"} 1\n")
        };
        assert!(refused(&watcher));
        assert!(watcher.look(Asked::Turn).problems.is_empty(), "said once");
        assert!(refused(&watcher));
        assert!(!watcher.look(Asked::Caller).problems.is_empty(), "a caller hears it again");
    }

    #[test]
    fn files_that_are_being_written_are_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut watcher = watcher(folder.path());
        edit(folder.path(), "weight  = 35", "weight  = 34");
        let path = folder.path().to_owned();
        let second = std::thread::spawn(move || {
            std::thread::sleep(SETTLE / 2);
            edit(&path, "weight  = 34", "weight  = 33");
        });
        assert_eq!(watcher.look(Asked::Turn).outcome, LoadOutcome::Unsettled);
        assert!(watcher.watched.pending.take().is_none());
        second.join().expect("written");
        let answer = watcher.look(Asked::Turn);
        assert_eq!(answer.changes, ["rule M02 weight: 35 -> 33"]);
    }

    #[test]
    fn currency_and_country_stay_and_an_overlay_needs_its_manifest() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut watcher = watcher(folder.path());
        let policy = folder.path().join("policy.toml");
        let text = std::fs::read_to_string(&policy).expect("there");
        let moved = text.replace("country  = \"CN\"", "country  = \"HK\"");
        assert_ne!(moved, text);
        std::fs::write(&policy, moved).expect("written");
        let answer = watcher.look(Asked::Caller);
        assert_eq!(answer.outcome, LoadOutcome::Refused);
        assert!(answer.problems[0].message.contains("country"), "{answer:?}");
        std::fs::write(&policy, text).expect("written");
        let overlay = tempfile::tempdir().expect("a folder");
        watcher.watched.config.overlays.push(overlay.path().to_owned());
        let answer = watcher.look(Asked::Caller);
        assert!(answer.problems[0].message.contains("manifest"), "{answer:?}");
        assert!(watcher.watched.pending.take().is_none());
    }
}
