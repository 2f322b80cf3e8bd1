//! A journal that retention has cut: what the service still knows of its rules, and what it says of
//! those that are gone.

use std::path::Path;

use goshawk::wire::journal::Entry;

use super::lab::{Lab, eventually};
use super::shadow::write_pack;

const NOW: i64 = 1_780_000_000_000;
const RUNNING: &str = "running";
const UNKNOWN: &str = "under other rules than theirs";

/// Sends records that nobody can read and waits until `rejects` of them are published.
fn poison(lab: &Lab, from: usize, to: usize) {
    for number in from..to {
        lab.send("payments", Some(0), "k", format!("poison {number}").as_bytes(), NOW);
    }
    lab.flush();
    eventually("every record once", || lab.read("rejects").len() == to);
}

/// Rules of a folder; no snapshots, which would hold the packs that they need themselves.
fn config(rules: &Path) -> String {
    let rules = rules.display().to_string();
    format!("rules = {rules:?}\nrules_poll = \"0s\"\n[snapshots]\ninterval = \"0s\"\n")
}

/// One run of the service.
fn serve(lab: &Lab, more: &str, from: usize, to: usize) -> String {
    let mut process = lab.start(more);
    process.await_log(RUNNING);
    poison(lab, from, to);
    let log = process.log();
    process.stop();
    log
}

/// The offset of the `nth` entry that is one.
fn offset(lab: &Lab, nth: usize, is: impl Fn(&Entry) -> bool) -> i64 {
    let entries = lab.placed_entries();
    entries.iter().filter(|(_, entry)| is(entry)).nth(nth).expect("there are as many").0
}

fn is_step(entry: &Entry) -> bool {
    matches!(entry, Entry::Step(_))
}

fn packs(lab: &Lab) -> Vec<String> {
    let mut packs: Vec<String> = lab.journal().into_iter().map(|step| step.rule_pack).collect();
    packs.dedup();
    packs
}

#[test]
fn a_journal_without_its_head_still_knows_the_rules_of_its_steps() {
    let Some(lab) = Lab::open("head", 1) else { return };
    let rules = lab.folder.path().join("rules");
    let more = config(&rules);
    write_pack(&rules, &[]);
    serve(&lab, &more, 0, 20);
    let first_start = lab.entries().len();
    serve(&lab, &more, 20, 40);
    let again = &lab.entries()[first_start];
    assert!(matches!(again, Entry::File(_)), "a start writes its pack down: {again:?}");
    // The first writing of the pack is gone, and the first step with it: the next step stands
    // before the files that it was judged by.
    lab.delete_before("journal", 0, offset(&lab, 0, is_step) + 1);
    write_pack(&rules, &[("m02_burst_out.toml", "weight  = 35", "weight  = 34")]);
    let log = serve(&lab, &more, 40, 60);
    assert!(!log.contains(UNKNOWN), "{log}");
    assert_eq!(packs(&lab).len(), 2, "the change is in the journal");
    // Now the second writing too: the pack was written once more when the other took over.
    let old = packs(&lab).remove(0);
    let of_old = |entry: &Entry| matches!(entry, Entry::Step(step) if step.rule_pack == old);
    let entries = lab.placed_entries();
    let last_old = entries.iter().rfind(|(_, entry)| of_old(entry)).expect("it has steps").0;
    lab.delete_before("journal", 0, last_old);
    assert_eq!(packs(&lab).len(), 2, "one step of the old pack is left");
    let log = serve(&lab, &more, 60, 80);
    assert!(!log.contains(UNKNOWN), "{log}");
}

#[test]
fn rules_that_the_journal_has_lost_are_named() {
    let Some(lab) = Lab::open("lost-rules", 1) else { return };
    let rules = lab.folder.path().join("rules");
    let more = config(&rules);
    write_pack(&rules, &[]);
    serve(&lab, &more, 0, 20);
    lab.delete_before("journal", 0, offset(&lab, 0, is_step));
    let lost = packs(&lab).remove(0);
    // Under the same rules nothing is missing: the folder holds them.
    let log = serve(&lab, &more, 20, 40);
    assert!(!log.contains(UNKNOWN), "{log}");
    // Once more, and without the writing of that start.
    let again = offset(&lab, 0, |entry| matches!(entry, Entry::File(file) if file.number > 0));
    let step = lab
        .placed_entries()
        .into_iter()
        .find(|(at, entry)| *at > again && is_step(entry))
        .expect("the start made one")
        .0;
    lab.delete_before("journal", 0, step);
    write_pack(&rules, &[("m02_burst_out.toml", "weight  = 35", "weight  = 34")]);
    let log = serve(&lab, &more, 40, 60);
    assert!(log.contains(UNKNOWN), "{log}");
    assert!(log.contains(&lost[..12]), "{lost} is named:\n{log}");
}
