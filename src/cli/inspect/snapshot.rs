//! `inspect snapshot`.

use anyhow::anyhow;
use jiff::Timestamp;

use super::SnapshotArgs;
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::cli::rules::table;
use crate::snapshot::choose::{Found, SetFacts};
use crate::snapshot::load::verify;
use crate::snapshot::manifest::Manifest;
use crate::snapshot::store::folder::Folder;
use crate::snapshot::write;

const HEADER: [&str; 8] = ["set", "state", "steps", "age", "took", "parts", "bytes", "rule_pack"];

/// A set for programs.
#[derive(serde::Serialize)]
struct Row {
    set: String,
    /// `whole`, `unfinished`, `damaged`.
    state: &'static str,
    /// What is wrong, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(flatten)]
    #[serde(skip_serializing_if = "Option::is_none")]
    whole: Option<Whole>,
}

#[derive(serde::Serialize)]
struct Whole {
    /// Steps after which the oldest and the newest part were taken.
    oldest_step: u64,
    newest_step: u64,
    began: String,
    ended: String,
    age_seconds: i64,
    took_ms: i64,
    tenant: String,
    rule_pack: String,
    rule_files: usize,
    program: String,
    /// Bytes on disk, and before compression.
    bytes: u64,
    raw_bytes: u64,
    parts: u64,
    files: Vec<FileRow>,
    /// Where the inputs stood after the newest step.
    inputs: Vec<PlaceRow>,
}

#[derive(serde::Serialize)]
struct FileRow {
    name: String,
    bytes: u64,
    raw_bytes: u64,
    parts: u32,
}

#[derive(serde::Serialize)]
struct PlaceRow {
    topic: String,
    partition: i32,
    next_offset: i64,
}

pub(super) fn run(args: &SnapshotArgs, printer: &Printer) -> Result<(), Failure> {
    let folder = &args.folder;
    if !folder.is_dir() {
        return Err(Failure::Usage(anyhow!("{} is no folder", folder.display())));
    }
    let store = Folder::existing(folder);
    let mut sets = write::sets(&store)?;
    if args.verify {
        for set in &mut sets {
            let Found::Whole(manifest) = &set.found else { continue };
            if let Err(error) = verify(&store, &set.name, manifest) {
                set.found = Found::Damaged(error.to_string());
            }
        }
    }
    let damaged = sets.iter().filter(|set| matches!(set.found, Found::Damaged(_))).count();
    let rows: Vec<Row> = sets.into_iter().map(row).collect();
    print(&rows, args.format, printer)?;
    for row in rows.iter().filter(|row| row.problem.is_some()) {
        printer.warn(&format!("{}: {}", row.set, row.problem.as_deref().unwrap_or_default()));
    }
    match damaged {
        0 => Ok(()),
        1 => Err(Failure::Failed(anyhow!("a snapshot is damaged"))),
        some => Err(Failure::Failed(anyhow!("{some} snapshots are damaged"))),
    }
}

fn print(rows: &[Row], format: Format, printer: &Printer) -> Result<(), Failure> {
    if format == Format::Json {
        printer.data(&serde_json::to_string_pretty(rows)?);
        return Ok(());
    }
    let cells = |row: &Row| {
        let plain = format == Format::Csv;
        let of = |text: &dyn Fn(&Whole) -> String| row.whole.as_ref().map(text).unwrap_or_default();
        [
            row.set.clone(),
            row.state.to_owned(),
            of(&|w| format!("{}-{}", w.oldest_step, w.newest_step)),
            of(&|w| if plain { w.age_seconds.to_string() } else { span(w.age_seconds * 1_000) }),
            of(&|w| if plain { w.took_ms.to_string() } else { span(w.took_ms) }),
            of(&|w| w.parts.to_string()),
            of(&|w| if plain { w.bytes.to_string() } else { size(w.bytes) }),
            of(&|w| w.rule_pack.chars().take(if plain { 64 } else { 12 }).collect()),
        ]
    };
    let cells: Vec<[String; 8]> = rows.iter().map(cells).collect();
    table::print(&HEADER, &cells, format, printer)
}

fn row(set: SetFacts) -> Row {
    let SetFacts { name, found } = set;
    let (state, problem, whole) = match found {
        Found::Whole(manifest) => ("whole", None, Some(whole(&manifest))),
        Found::Unfinished => ("unfinished", None, None),
        Found::Damaged(problem) => ("damaged", Some(problem), None),
    };
    Row { set: name, state, problem, whole }
}

fn whole(manifest: &Manifest) -> Whole {
    let time = |ms: i64| Timestamp::from_millisecond(ms).map(|t| t.to_string()).unwrap_or_default();
    let now_ms = Timestamp::now().as_millisecond();
    let file = |file: &crate::snapshot::manifest::FileEntry| FileRow {
        name: file.name.clone(),
        bytes: file.bytes,
        raw_bytes: file.raw_bytes,
        parts: file.parts,
    };
    let place = |place: &crate::snapshot::manifest::Place| PlaceRow {
        topic: place.topic.clone(),
        partition: place.partition,
        next_offset: place.next,
    };
    Whole {
        oldest_step: manifest.oldest,
        newest_step: manifest.newest,
        began: time(manifest.began_ms),
        ended: time(manifest.ended_ms),
        age_seconds: (now_ms - manifest.ended_ms) / 1_000,
        took_ms: manifest.ended_ms - manifest.began_ms,
        tenant: manifest.identity.tenant.clone(),
        rule_pack: manifest.rule_pack.clone(),
        rule_files: manifest.rules.len(),
        program: manifest.program.clone(),
        bytes: manifest.bytes(),
        raw_bytes: manifest.files.iter().map(|file| file.raw_bytes).sum(),
        parts: manifest.files.iter().map(|file| u64::from(file.parts)).sum(),
        files: manifest.files.iter().map(file).collect(),
        inputs: manifest.end.iter().map(place).collect(),
    }
}

fn span(ms: i64) -> String {
    match ms {
        ..10_000 => format!("{ms} ms"),
        10_000..600_000 => format!("{} s", ms / 1_000),
        600_000..36_000_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        ..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
