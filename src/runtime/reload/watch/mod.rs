//! The folders are looked at: every few seconds, and when somebody asks.
//!
//! By content and not by the system's notices: those do not come over network mounts, and a
//! mounted configuration map changes by a link far above the file. Every file is read, the whole
//! twice with a pause between, and only what was the same both times is taken: two people writing
//! at once, or a copy half done, are waited for.
//!
//! One thread looks at the folders of the pack in force and at those of the pack on trial, and
//! answers every caller: whoever asks at the same time as somebody else, or as the turn comes, is
//! answered after, by what is so then.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::place::{Asked, Look, Place, plain};
use super::{Candidate, Changes, Pending, TrialOrder};
use crate::http::read_side::ReadSide;
use crate::http::rules::{LoadAnswer, LoadMode, LoadOutcome, LoadRequest, RuleProblem};
use crate::limits;
use crate::rules::SourceFile;
use crate::rules::plan::Plan;
use crate::runtime::config::Config;
use crate::runtime::stop::{Stop, Why};
use crate::telemetry::Telemetry;
use crate::telemetry::event::{RuleDefect, RulesRefused};
use crate::wire::journal::Superseded;

/// How often it is looked whether to end.
const LOOK: Duration = Duration::from_millis(100);

/// A pack and its files.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The pack.
    pub plan: Arc<Plan>,
    /// Its files.
    pub files: Vec<SourceFile>,
}

/// What is watched, and who is told.
pub struct Watched {
    /// Where the rules are, and which day it is there.
    pub config: Config,
    /// What the folders of the rules hold.
    pub folder: Pack,
    /// The pack in force: that of the folders, unless another was promoted.
    pub in_force: Pack,
    /// The pack that judged the last step before a start.
    pub before: Pack,
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
    /// Starts it. The pack on trial, if one is to be, waits for the first step when this returns.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(watched: Watched) -> std::io::Result<Self> {
        let (door, requests) = bounded::<LoadRequest>(limits::RULE_CALLERS_MAX);
        let (leave, read_side) = (Stop::default(), Arc::clone(&watched.read_side));
        let left = leave.clone();
        let mut watcher = Watcher::new(watched);
        watcher.begin();
        let thread = std::thread::Builder::new()
            .name("goshawk-rules".to_owned())
            .spawn(move || watcher.run(&requests, &left))?;
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

struct Watcher {
    config: Config,
    /// The folders of the rules.
    place: Place,
    /// The pack in force, or that will be with the next step.
    in_force: Pack,
    /// The pack in force while another waits for the next step.
    before: Pack,
    /// The folders of the pack on trial, if they are configured.
    trial_place: Option<Place>,
    /// The pack on trial, or that will be with the next step.
    trial: Option<Pack>,
    pending: Arc<Pending>,
    telemetry: Arc<Telemetry>,
    read_side: Arc<ReadSide>,
}

impl Watcher {
    fn new(watched: Watched) -> Self {
        let Watched { config, folder, in_force, before, pending, telemetry, read_side } = watched;
        let sha256 = folder.plan.pack_sha256.clone();
        Self {
            place: Place::live(&config, folder.files, sha256),
            before,
            in_force,
            trial_place: Place::trial(&config),
            trial: None,
            config,
            pending,
            telemetry,
            read_side,
        }
    }

    /// Says what is to be on trial after the start: what the journal had on trial goes on if the
    /// folders still hold it.
    fn begin(&mut self) {
        if !self.look_at_trial(Asked::Turn, "start", None).outcome.takes_effect() {
            self.pending.put_trial(TrialOrder::End("start"));
        }
    }

    fn run(mut self, requests: &Receiver<LoadRequest>, left: &Stop) {
        let poll_ms = self.config.rules_poll;
        let poll = u64::try_from(poll_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
        let mut due = poll.map(|poll| Instant::now() + poll);
        while left.go_on() {
            match requests.recv_timeout(LOOK) {
                Ok(LoadRequest { mode, who, answer }) => {
                    let answered = self.asked(mode, who);
                    // A caller who has gone away has changed the rules all the same.
                    let _ = answer.send(answered);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if due.is_some_and(|due| Instant::now() >= due) {
                self.look(Asked::Turn, None);
                self.look_at_trial(Asked::Turn, "folder", None);
                due = poll.map(|poll| Instant::now() + poll);
            }
        }
    }

    fn asked(&mut self, mode: LoadMode, who: Option<String>) -> LoadAnswer {
        match mode {
            LoadMode::Live => self.look(Asked::Caller, who),
            LoadMode::Shadow => self.look_at_trial(Asked::Caller, "http", who),
            LoadMode::Promote { pack } => self.promote(&pack, who),
        }
    }

    /// Looks at the folders and, if they hold other rules than the last ones, takes them or says
    /// what is wrong. A caller's wish to follow them ends a promotion.
    fn look(&mut self, asked: Asked, who: Option<String>) -> LoadAnswer {
        let follows = self.place.sha256.as_ref() == Some(&self.in_force.plan.pack_sha256);
        let again = asked == Asked::Caller && !follows;
        let looked = self.place.look(asked, again, &self.config, &self.in_force.plan);
        let by = if asked == Asked::Caller { "http" } else { "folder" };
        let from = self.in_force.plan.pack_sha256.clone();
        let (plan, files, compile) = match looked {
            Look::Fit { plan, files, compile } => (plan, files, compile),
            other => return self.not_taken(other, by, from),
        };
        self.telemetry.set_rule_compile(compile);
        let answer = |outcome| LoadAnswer::new(outcome, from, Some(compile));
        if plan.pack_sha256 == self.in_force.plan.pack_sha256 {
            self.read_side.rules.set_folder_follows();
            return answer(LoadOutcome::Unchanged);
        }
        let answer = answer(LoadOutcome::Accepted);
        self.put(Pack { plan, files }, by, who, answer)
    }

    /// Lets a pack wait that comes into force, and completes the answer.
    fn put(
        &mut self,
        pack: Pack,
        by: &'static str,
        who: Option<String>,
        answer: LoadAnswer,
    ) -> LoadAnswer {
        let mut superseded = Vec::new();
        match self.pending.take() {
            // It came to no step: what is in force is still what was before it.
            Some(overtaken) => {
                let Candidate { plan, by, who, superseded: earlier, .. } = overtaken;
                let (by, to) = (by.to_owned(), plan.pack_sha256.clone());
                superseded = earlier;
                superseded.push(Superseded { by, who, to });
                let surplus = superseded.len().saturating_sub(limits::RULE_CHANGES_TOLD_MAX);
                superseded.drain(..surplus);
            }
            None => self.before = self.in_force.clone(),
        }
        let changes = Changes::between(&self.before.files, &pack.files);
        let from = self.before.plan.pack_sha256.clone();
        let sha256 = &pack.plan.pack_sha256;
        let answer = LoadAnswer { from, ..answer.differing(sha256, &changes.told, changes.count) };
        self.read_side.rules.set_pending(sha256);
        let folder = self.place.sha256.clone().filter(|folder| folder != sha256);
        if self.trial.as_ref().is_some_and(|trial| trial.plan.pack_sha256 == *sha256) {
            self.trial = None;
        }
        self.in_force = pack.clone();
        let Pack { plan, files } = pack;
        self.pending.put(Candidate { plan, files, by, who, folder, changes, superseded });
        answer
    }

    /// Looks at the folders of the pack on trial and takes what they hold.
    fn look_at_trial(&mut self, asked: Asked, by: &'static str, who: Option<String>) -> LoadAnswer {
        let before = self.trial.as_ref().map(|trial| trial.plan.pack_sha256.clone());
        let from = before.clone().unwrap_or_default();
        let Some(place) = &mut self.trial_place else {
            let problem = "no folder is configured for it: set shadow.rules or shadow.overlays";
            return LoadAnswer::new(LoadOutcome::Refused, from, None)
                .because(plain(problem.to_owned()));
        };
        // What a caller asks for is tried anew even where it was not taken before.
        let again = asked == Asked::Caller && before.is_none();
        let looked = place.look(asked, again, &self.config, &self.in_force.plan);
        let (plan, files, compile) = match looked {
            Look::Fit { plan, files, compile } => (plan, files, compile),
            Look::Gone => {
                if self.trial.take().is_some() {
                    self.pending.put_trial(TrialOrder::End(by));
                    return LoadAnswer::new(LoadOutcome::Accepted, from, None);
                }
                return LoadAnswer::new(LoadOutcome::Unchanged, from, None);
            }
            other => return self.not_taken(other, by, from),
        };
        self.telemetry.set_rule_compile(compile);
        let answer = |outcome| LoadAnswer::new(outcome, from, Some(compile));
        if plan.pack_sha256 == self.in_force.plan.pack_sha256 {
            // What is in force cannot be on trial as well.
            if self.trial.take().is_some() {
                self.pending.put_trial(TrialOrder::End(by));
            }
            return answer(LoadOutcome::Unchanged);
        }
        let changes = Changes::between(&self.in_force.files, &files);
        let answer = answer(LoadOutcome::Accepted).differing(
            &plan.pack_sha256,
            &changes.told,
            changes.count,
        );
        self.trial = Some(Pack { plan: Arc::clone(&plan), files: files.clone() });
        let (folder, superseded) = (None, Vec::new());
        let candidate = Candidate { plan, files, by, who, folder, changes, superseded };
        self.pending.put_trial(TrialOrder::Begin(candidate));
        answer
    }

    /// Puts the pack on trial in force, if it is the one that the caller means.
    fn promote(&mut self, pack: &str, who: Option<String>) -> LoadAnswer {
        let from = self.in_force.plan.pack_sha256.clone();
        let refused = |problem: String| {
            LoadAnswer::new(LoadOutcome::Refused, from.clone(), None).because(plain(problem))
        };
        let Some(trial) = self.trial.clone() else {
            return refused("no pack is on trial".to_owned());
        };
        let sha256 = &trial.plan.pack_sha256;
        if !sha256.starts_with(pack) {
            return refused(format!("the pack on trial is another one: {sha256}"));
        }
        if let Err(problem) = trial.plan.follows(&self.in_force.plan) {
            return refused(problem.to_owned());
        }
        self.put(trial, "promotion", who, LoadAnswer::new(LoadOutcome::Accepted, from, None))
    }

    /// Answers a look that came to no pack, and tells what is wrong.
    fn not_taken(&self, looked: Look, by: &'static str, from: String) -> LoadAnswer {
        let (outcome, problems, compile) = match looked {
            Look::Wrong { problems, compile } => {
                self.telemetry.set_rule_compile(compile);
                let defects: Vec<_> = problems.iter().map(defect).collect();
                self.telemetry.emit(RulesRefused { by, defects: &defects });
                (LoadOutcome::Refused, problems, Some(compile))
            }
            Look::Known => (LoadOutcome::Refused, Vec::new(), None),
            Look::Unsettled => (LoadOutcome::Unsettled, Vec::new(), None),
            Look::Same | Look::Gone | Look::Fit { .. } => {
                (LoadOutcome::Unchanged, Vec::new(), None)
            }
        };
        LoadAnswer { problems, ..LoadAnswer::new(outcome, from, compile) }
    }
}

fn defect(problem: &RuleProblem) -> RuleDefect<'_> {
    RuleDefect {
        file: problem.file.as_deref().unwrap_or_default(),
        place: (problem.line.unwrap_or_default(), problem.column.unwrap_or_default()),
        message: &problem.message,
        label: &problem.label,
        hint: problem.hint.as_deref().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
