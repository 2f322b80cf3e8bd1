//! Replay without a broker: a folder that holds the journal, the alerts and the tokens' key, and
//! says what its inputs were made from.
//!
//! Such a journal begins with a line that names the source ([`Origin`]); the lines after it are
//! those of any journal. Its steps have no time of their own but the watermark after them.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::compare::{Comparison, Held, Made};
use super::{Replayed, What};
use crate::engine::{Engine, EngineConfig, Inline};
use crate::generate::{GenerateConfig, Generator};
use crate::rules::plan::Plan;
use crate::runtime::key::{self, KeyError};
use crate::runtime::reconcile::broken::Stretch;
use crate::runtime::reconcile::prove::{Bound, Range};
use crate::runtime::recovery::packs::Packs;
use crate::source::{Progress, Source as _, SourceError, Step};
use crate::wire::encode::{EncodeConfig, Encoder, PackName, WallTimes};
use crate::wire::journal::{self, Entry, JournalError, JournalRecord};

/// The schema's name.
pub const ORIGIN_SCHEMA: &str = "origin.v1";
/// The journal's file.
pub const JOURNAL: &str = "journal.jsonl";
/// The alerts' file.
pub const ALERTS: &str = "alerts.jsonl";
/// The key's file.
pub const KEY: &str = "token.key";

/// Where the records of a folder's journal come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// `origin.v1`.
    pub schema: String,
    /// The tenant, part of every alert's id.
    pub tenant: String,
    /// Zone in which times are written.
    pub zone: String,
    /// What the generator was told: it makes the same records again.
    pub generator: GenerateConfig,
}

/// Why a folder's alerts cannot be made again.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file is not there or cannot be read.
    #[error("cannot read {path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The journal does not begin as it must.
    #[error("{path} does not begin with an {ORIGIN_SCHEMA} line: {problem}")]
    Origin {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A line of the journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A line of the alerts.
    #[error("{path} line {line} is no alert: {problem}")]
    Alert {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The rules are not in the journal, or this version cannot compile them.
    #[error("the journal does not hold the rules {0} as this version can compile them")]
    Rules(String),
    /// The source does not hand out what the journal says.
    #[error(
        "step {step}: the source no longer makes the records that the journal names: another version"
    )]
    Records {
        /// The step.
        step: u64,
    },
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The origin describes nothing that can be generated, or names an unknown zone.
    #[error("{0}")]
    Unusable(String),
}

/// Reproduces alerts from a folder.
///
/// # Errors
/// [`FolderError`].
pub fn replay(
    folder: &Path,
    what: &What,
    go_on: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Replayed, FolderError> {
    let (origin, journal) = open(folder)?;
    let unusable = |error: &dyn std::fmt::Display| FolderError::Unusable(error.to_string());
    let mut source = Generator::new(origin.generator.clone()).map_err(|e| unusable(&e))?;
    let zone = jiff::tz::TimeZone::get(&origin.zone).map_err(|e| unusable(&e))?;
    let mut comparison = Comparison::new(alerts(folder, what)?);
    let mut replayed = Replayed::default();
    let mut packs = Packs::default();
    let mut under: Option<(Engine, Encoder)> = None;
    let config = || EngineConfig::for_tenant(&origin.tenant);
    let privacy = key::load_key(&folder.join(KEY))?.masked(None);
    let encoder = |plan: &Plan, topics: &[String]| {
        Encoder::new(EncodeConfig {
            tenant: origin.tenant.clone(),
            instance: String::new(),
            source_system: "goshawk".to_owned(),
            topics: topics.to_vec(),
            privacy: privacy.clone(),
            pack: PackName::of(plan),
            zone: zone.clone(),
        })
    };
    let wall = WallTimes { ingested_ms: 0, detected_ms: 0, published_ms: 0 };
    let mut step = Step::default();
    for (number, line) in journal {
        let record = match journal::read(number, &line?)? {
            Entry::Step(record) => record,
            Entry::File(file) => {
                packs.take(file);
                continue;
            }
            Entry::Change(_) | Entry::Shadow(_) | Entry::Reconciliation(_) => continue,
        };
        if !go_on() {
            return Err(SourceError::Stopped.into());
        }
        let known = under.as_ref().is_some_and(|(e, _)| e.plan().pack_sha256 == record.rule_pack);
        if !known {
            let plan = packs.plan(&record.rule_pack);
            let plan = plan.ok_or_else(|| FolderError::Rules(record.rule_pack.clone()))?;
            let made = encoder(&plan, source.topics());
            match &mut under {
                Some((engine, encoder)) => {
                    engine.set_plan(plan);
                    *encoder = made;
                }
                None => under = Some((Engine::new(config(), plan), made)),
            }
        }
        let Some((engine, encoder)) = &mut under else { continue };
        read(&mut source, &mut step, &record)?;
        replayed.records += step.batch.events.len() as u64 + step.rejected.len() as u64;
        let output = engine.step(&step.batch, &Inline);
        let first = replayed.steps.map_or(record.step, |(first, _)| first);
        replayed.steps = Some((first, record.step));
        progress(record.step, record.step);
        for alert in output.alerts.iter().filter(|alert| !alert.shadow) {
            let id = (alert.alert_id.clone(), alert.revision);
            if asks_for(what, &record, &id.0) {
                let body = encoder.alert(alert, &wall).body;
                comparison.made(Made { id, step: record.step, body });
            } else {
                comparison.pass(&id);
            }
        }
    }
    replayed.comparison = comparison;
    Ok(replayed)
}

fn asks_for(what: &What, record: &JournalRecord, id: &str) -> bool {
    let Range { from, to } = match what {
        What::Alert(asked) => return asked == id,
        What::Steps(range) => *range,
    };
    let reached = |bound: Bound| match bound {
        Bound::Step(step) => record.step >= step,
        Bound::Time(time_ms) => record.watermark_ms >= time_ms,
    };
    from.is_none_or(reached) && !to.is_some_and(reached)
}

/// Reads the records that a step names.
fn read(
    source: &mut Generator,
    step: &mut Step,
    record: &JournalRecord,
) -> Result<(), FolderError> {
    step.clear();
    let progress = source.next(step)?;
    let same = step.runs.len() == record.runs.len()
        && step.runs.iter().zip(&record.runs).all(|(a, b)| (a.from, a.to) == (b.from, b.to));
    if progress == Progress::Step && same {
        return Ok(());
    }
    Err(FolderError::Records { step: record.step })
}

type Lines = Box<dyn Iterator<Item = (i64, Result<Vec<u8>, FolderError>)>>;

/// The journal: its origin, and the lines after it.
fn open(folder: &Path) -> Result<(Origin, Lines), FolderError> {
    let path = folder.join(JOURNAL);
    let unreadable = |path: &Path, cause| FolderError::File { path: path.to_owned(), cause };
    let file = File::open(&path).map_err(|cause| unreadable(&path, cause))?;
    let mut reader = BufReader::new(file);
    let mut first = String::new();
    reader.read_line(&mut first).map_err(|cause| unreadable(&path, cause))?;
    let origin = serde_json::from_str::<Origin>(&first)
        .map_err(|error| error.to_string())
        .and_then(|origin| match origin.schema.as_str() {
            ORIGIN_SCHEMA => Ok(origin),
            other => Err(format!("schema {other:?}")),
        })
        .map_err(|problem| FolderError::Origin { path: path.clone(), problem })?;
    let lines = reader
        .split(b'\n')
        .map(move |line| line.map_err(|cause| FolderError::File { path: path.clone(), cause }));
    Ok((origin, Box::new((1..).zip(lines))))
}

/// The alerts that the folder holds, those asked for.
fn alerts(folder: &Path, what: &What) -> Result<Vec<Held>, FolderError> {
    /// What of an alert's body is needed.
    #[derive(Deserialize)]
    struct Body {
        alert_id: String,
        revision: u32,
    }
    let path = folder.join(ALERTS);
    let text =
        std::fs::read(&path).map_err(|cause| FolderError::File { path: path.clone(), cause })?;
    let mut held = Vec::new();
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    for (line, body) in lines.filter(|(_, body)| !body.is_empty()) {
        let Body { alert_id, revision } = serde_json::from_slice(body).map_err(|error| {
            FolderError::Alert { path: path.clone(), line: line + 1, problem: error.to_string() }
        })?;
        if matches!(what, What::Alert(asked) if *asked != alert_id) {
            continue;
        }
        let at = Stretch::of(ALERTS, 0, line as i64);
        held.push(Held { id: (alert_id, revision), step: None, at, body: body.to_vec() });
    }
    Ok(held)
}

/// A plan in force, for whoever fills a folder: its journal's first lines.
#[must_use]
pub fn head(
    origin: &Origin,
    plan: &Arc<Plan>,
    files: Vec<crate::rules::SourceFile>,
) -> Vec<Vec<u8>> {
    let files = crate::runtime::reload::rule_files(&plan.pack_sha256, files);
    let origin = serde_json::to_vec(origin).expect("plain data with text keys becomes JSON");
    std::iter::once(origin).chain(files.iter().map(|file| journal::message(file).body)).collect()
}
