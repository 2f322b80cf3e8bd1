//! One pack's folders: read twice, compiled when they hold something new, and refused once with
//! everything that is wrong.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::http::rules::RuleProblem;
use crate::rules::SourceFile;
use crate::rules::plan::Plan;
use crate::runtime::config::Config;
use crate::runtime::pack::{self, Folders, PackError};
use crate::runtime::ready;

/// Between the two readings.
pub(super) const SETTLE: Duration = Duration::from_millis(250);

/// Whether a look was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The time had come.
    Turn,
    /// A caller waits.
    Caller,
}

/// Folders, and what of them was taken.
#[derive(Debug)]
pub(super) struct Place {
    rules: Option<PathBuf>,
    overlays: Vec<PathBuf>,
    /// Folders that are gone or empty hold no pack, instead of a wrong one.
    may_be_absent: bool,
    /// What they held when they were last taken; nothing if there was no pack.
    pub files: Vec<SourceFile>,
    /// Hash of that.
    pub sha256: Option<String>,
    /// What was refused last and on which day: it is said once.
    told: Option<(Seen, String)>,
}

/// What a reading came to.
type Seen = Result<Vec<SourceFile>, String>;

/// What a look came to.
#[derive(Debug)]
pub(super) enum Look {
    /// They hold what was taken last.
    Same,
    /// They hold what has been refused, which has been told.
    Known,
    /// Somebody is writing them.
    Unsettled,
    /// They hold no pack any more.
    Gone,
    /// Something is wrong.
    Wrong { problems: Vec<RuleProblem>, compile: Duration },
    /// A pack that compiles and may follow.
    Fit { plan: Arc<Plan>, files: Vec<SourceFile>, compile: Duration },
}

impl Place {
    /// The folders of the pack in force.
    pub fn live(config: &Config, files: Vec<SourceFile>, sha256: String) -> Self {
        Self {
            rules: config.rules.clone(),
            overlays: config.overlays.clone(),
            may_be_absent: false,
            files,
            sha256: Some(sha256),
            told: None,
        }
    }

    /// The folders of the pack on trial, if any are configured.
    pub fn trial(config: &Config) -> Option<Self> {
        let shadow = &config.shadow;
        let any = shadow.rules.is_some() || !shadow.overlays.is_empty();
        any.then(|| Self {
            rules: shadow.rules.clone().or_else(|| config.rules.clone()),
            overlays: shadow.overlays.clone(),
            may_be_absent: true,
            files: Vec::new(),
            sha256: None,
            told: None,
        })
    }

    /// Looks at the folders. `again`: also takes what was taken last. What is fit must be able to
    /// follow the plan in force.
    pub fn look(&mut self, asked: Asked, again: bool, config: &Config, in_force: &Plan) -> Look {
        let day = ready::today(config);
        let (seen, _) = self.read();
        if seen.as_ref() == Ok(&self.files) && !again {
            self.told = None;
            return Look::Same;
        }
        let known = self.told.as_ref().is_some_and(|(told, on)| (told, on) == (&seen, &day));
        if known && asked == Asked::Turn {
            return Look::Known;
        }
        std::thread::sleep(SETTLE);
        let (second, error) = self.read();
        if seen != second {
            return Look::Unsettled;
        }
        if seen.as_ref().is_ok_and(Vec::is_empty) {
            (self.told, self.sha256) = (None, None);
            self.files.clear();
            return Look::Gone;
        }
        let began = Instant::now();
        let compiled = match (&seen, error) {
            (Ok(files), _) => pack::compile(files.clone()),
            (Err(_), Some(error)) => Err(error),
            (Err(_), None) => return Look::Unsettled,
        };
        let compile = began.elapsed();
        let fit = compiled.map_err(|error| problems(&error)).and_then(|plan| {
            pack::require_valid(&plan, &day).map_err(|error| problems(&error))?;
            plan.follows(in_force).map_err(|problem| vec![plain(problem.to_owned())])?;
            Ok(plan)
        });
        match (fit, seen) {
            (Ok(plan), Ok(files)) => {
                self.told = None;
                self.sha256 = Some(plan.pack_sha256.clone());
                self.files.clone_from(&files);
                Look::Fit { plan: Arc::new(plan), files, compile }
            }
            (fit, seen) => {
                self.told = Some((seen, day));
                Look::Wrong { problems: fit.err().unwrap_or_default(), compile }
            }
        }
    }

    /// The folders' files, or what is wrong with them as text and as it is.
    fn read(&self) -> (Seen, Option<PackError>) {
        let folders = Folders { rules: self.rules.as_deref(), overlays: &self.overlays };
        let all = self.rules.iter().chain(&self.overlays);
        if self.may_be_absent && all.clone().any(|folder| !folder.exists()) {
            return (Ok(Vec::new()), None);
        }
        match folders.files() {
            Ok(files) => (Ok(files), None),
            Err(PackError::Empty { .. }) if self.may_be_absent => (Ok(Vec::new()), None),
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
            label: defect.label.clone(),
            hint: defect.hint.clone(),
        }
    };
    found.iter().map(problem).collect()
}

/// A problem of the whole pack.
pub(super) fn plain(message: String) -> RuleProblem {
    let label = String::new();
    RuleProblem { file: None, line: None, column: None, message, label, hint: None }
}
