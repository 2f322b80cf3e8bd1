//! A folder that is edited, and what the watcher makes of it.

use std::path::Path;

use super::super::place::SETTLE;
use super::*;
use crate::rules::shipped;
use crate::runtime::pack::{self, Folders};

const BURST: &str = "mule/m02_burst_out.toml";

fn fill(folder: &Path) {
    for file in shipped::files() {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("made");
        std::fs::write(path, file.text).expect("written");
    }
}

fn watcher(folder: &Path) -> Watcher {
    watcher_of(folder, None)
}

/// A watcher of a filled folder, and of one for a pack on trial.
fn watcher_of(folder: &Path, trial: Option<&Path>) -> Watcher {
    fill(folder);
    let mut config = Config { rules: Some(folder.to_owned()), ..Config::default() };
    config.shadow.rules = trial.map(Path::to_owned);
    let files = Folders { rules: Some(folder), overlays: &[] }.files().expect("just written");
    let plan = Arc::new(pack::compile(files.clone()).expect("the shipped pack"));
    let pack = Pack { plan, files };
    Watcher::new(Watched {
        config,
        folder: pack.clone(),
        in_force: pack.clone(),
        before: pack,
        pending: Arc::default(),
        telemetry: Arc::new(Telemetry::new().expect("distinct names")),
        read_side: Arc::new(ReadSide::new("test")),
    })
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
    assert_eq!(watcher.look(Asked::Turn, None).outcome, LoadOutcome::Unchanged);
    edit(folder.path(), "weight  = 35", "weight  = 34");
    let answer = watcher.look(Asked::Turn, None);
    assert_eq!(answer.outcome, LoadOutcome::Accepted, "{answer:?}");
    assert_eq!(answer.changes, ["rule M02 weight: 35 -> 34"]);
    let candidate = watcher.pending.take().expect("it waits");
    assert_eq!(Some(&candidate.plan.pack_sha256), answer.to.as_ref());
    assert_ne!(answer.from, candidate.plan.pack_sha256);
    assert_eq!(watcher.look(Asked::Caller, None).outcome, LoadOutcome::Unchanged);
}

#[test]
fn a_defect_is_told_with_its_place_and_nothing_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut watcher = watcher(folder.path());
    edit(folder.path(), "weight  = 35", "weight  = 34\nwieght = 1");
    let answer = watcher.look(Asked::Turn, None);
    assert_eq!(answer.outcome, LoadOutcome::Refused);
    let [problem] = answer.problems.as_slice() else { panic!("{answer:?}") };
    assert_eq!(problem.file.as_deref(), Some(BURST));
    assert!(problem.line > Some(1) && problem.hint.is_some(), "{problem:?}");
    assert!(watcher.pending.take().is_none());
    let refused = |w: &Watcher| {
        let text = w.telemetry.render().expect("renders");
        let text = String::from_utf8_lossy(&text);
        text.contains("goshawk_rule_changes_total{outcome=\"refused\"} 1\n")
    };
    assert!(refused(&watcher));
    assert!(watcher.look(Asked::Turn, None).problems.is_empty(), "said once");
    assert!(refused(&watcher));
    assert!(!watcher.look(Asked::Caller, None).problems.is_empty(), "a caller hears it again");
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
    assert_eq!(watcher.look(Asked::Turn, None).outcome, LoadOutcome::Unsettled);
    assert!(watcher.pending.take().is_none());
    second.join().expect("written");
    let answer = watcher.look(Asked::Turn, None);
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
    let answer = watcher.look(Asked::Caller, None);
    assert_eq!(answer.outcome, LoadOutcome::Refused);
    assert!(answer.problems[0].message.contains("country"), "{answer:?}");
    std::fs::write(&policy, text).expect("written");
    let overlay = tempfile::tempdir().expect("a folder");
    watcher.config.overlays.push(overlay.path().to_owned());
    watcher.place = Place::live(&watcher.config, watcher.place.files.clone(), String::new());
    let answer = watcher.look(Asked::Caller, None);
    assert!(answer.problems[0].message.contains("manifest"), "{answer:?}");
    assert!(watcher.pending.take().is_none());
}

#[test]
fn a_pack_is_tried_and_promoted_and_stays_until_the_folder_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let trial = folder.path().join("next");
    let live = folder.path().join("live");
    let mut watcher = watcher_of(&live, Some(&trial));
    // No folder, no trial.
    assert_eq!(watcher.look_at_trial(Asked::Turn, "folder", None).outcome, LoadOutcome::Unchanged);
    let who = || Some("li.wei".to_owned());
    let promote = |watcher: &mut Watcher, pack: &str| {
        watcher.asked(LoadMode::Promote { pack: pack.to_owned() }, who())
    };
    assert_eq!(promote(&mut watcher, "000000000000").outcome, LoadOutcome::Refused);
    fill(&trial);
    let same = watcher.asked(LoadMode::Shadow, who());
    assert_eq!(same.outcome, LoadOutcome::Unchanged, "the pack in force is not tried");
    edit(&trial, "weight  = 35", "weight  = 34");
    let tried = watcher.asked(LoadMode::Shadow, who());
    assert_eq!((tried.outcome, tried.differences), (LoadOutcome::Accepted, 1));
    let Some(TrialOrder::Begin(order)) = watcher.pending.take_trial() else { panic!() };
    assert_eq!((order.by, order.who), ("http", who()));
    assert!(watcher.pending.take().is_none(), "nothing comes into force");
    assert_eq!(watcher.look_at_trial(Asked::Turn, "folder", None).outcome, LoadOutcome::Unchanged);

    let hash = tried.to.expect("it compiles");
    let other = promote(&mut watcher, "000000000000");
    assert!(other.problems[0].message.contains(&hash), "{other:?}");
    let promoted = promote(&mut watcher, &hash[..12]);
    assert_eq!((promoted.outcome, promoted.to.as_ref()), (LoadOutcome::Accepted, Some(&hash)));
    let candidate = watcher.pending.take().expect("it waits");
    assert_eq!((candidate.by, candidate.who), ("promotion", who()));
    assert_eq!(candidate.folder, Some(promoted.from), "the folder still holds the old rules");
    // Looking again does not undo it, a change of the folder or a caller who says so does.
    assert_eq!(watcher.look(Asked::Turn, None).outcome, LoadOutcome::Unchanged);
    let back = watcher.asked(LoadMode::Live, None);
    assert_eq!((back.outcome, back.from), (LoadOutcome::Accepted, hash));
    assert_eq!(watcher.pending.take().expect("it waits").folder, None);
}

#[test]
fn a_trial_ends_with_its_folder_and_with_what_comes_into_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let [live, trial] = ["live", "next"].map(|name| folder.path().join(name));
    let mut watcher = watcher_of(&live, Some(&trial));
    fill(&trial);
    edit(&trial, "weight  = 35", "weight  = 34");
    watcher.begin();
    assert!(matches!(watcher.pending.take_trial(), Some(TrialOrder::Begin(c)) if c.by == "start"));
    // A defect leaves it as it is.
    edit(&trial, "weight  = 34", "weight  = many");
    let refused = watcher.look_at_trial(Asked::Turn, "folder", None);
    assert_eq!((refused.outcome, refused.problems.is_empty()), (LoadOutcome::Refused, false));
    assert!(watcher.pending.take_trial().is_none() && watcher.trial.is_some());
    std::fs::remove_dir_all(&trial).expect("removed");
    assert_eq!(watcher.look_at_trial(Asked::Turn, "folder", None).outcome, LoadOutcome::Accepted);
    assert!(matches!(watcher.pending.take_trial(), Some(TrialOrder::End("folder"))));

    fill(&trial);
    edit(&trial, "weight  = 35", "weight  = 33");
    assert_eq!(watcher.look_at_trial(Asked::Turn, "folder", None).outcome, LoadOutcome::Accepted);
    edit(&live, "weight  = 35", "weight  = 33");
    assert_eq!(watcher.look(Asked::Turn, None).outcome, LoadOutcome::Accepted);
    assert!(watcher.trial.is_none(), "it is in force");
    assert_eq!(promoted(&mut watcher), LoadOutcome::Refused);
}

fn promoted(watcher: &mut Watcher) -> LoadOutcome {
    let pack = watcher.in_force.plan.pack_sha256.clone();
    watcher.asked(LoadMode::Promote { pack }, Some("li.wei".to_owned())).outcome
}
