//! One pack a remark of `rules lint`, named after it; the whole message is a snapshot.

use goshawk::cli::rules::{remarks, render_remarks};
use goshawk::rules::lint::{LINTS, Remark};
use goshawk::rules::{SourceFile, shipped};

/// A rule beside which nothing is to be remarked on.
const CLEAN: &str = "clean";

#[test]
fn every_remark_has_its_pack() {
    let names = names();
    for lint in LINTS {
        let found = names.iter().any(|name| name.starts_with(lint.code));
        assert!(found, "no pack for {}", lint.code);
    }
}

#[test]
fn every_pack_gives_its_remark_and_no_other() {
    for name in names() {
        let files = pack(&name);
        let all = remarks(&files).unwrap_or_else(|defects| panic!("{name}: {defects:#?}"));
        // One rule alone reaches no band, and only the file about examples is about examples.
        let is_about = |remark: &Remark| {
            remark.allowed.is_none()
                && (name.starts_with(remark.code)
                    || !["unreachable_band", "no_edge_example"].contains(&remark.code))
        };
        let about: Vec<Remark> = all.iter().filter(|remark| is_about(remark)).cloned().collect();
        assert_eq!(about.is_empty(), name == CLEAN, "{name}: {about:#?}");
        for remark in &about {
            assert!(name.starts_with(remark.code), "{name}: {remark:#?}");
        }
        if name == CLEAN {
            let edges = all.iter().filter(|remark| remark.code == "no_edge_example").count();
            assert_eq!(edges, 0, "the example's own edges are covered: {all:#?}");
        }
        insta::with_settings!({ snapshot_path => "lint", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.as_str(), render_remarks(&about, &files));
        });
    }
}

#[test]
fn what_a_rule_allows_itself_is_kept_with_its_reason() {
    let remarks = remarks(&pack("window_beyond_ledger")).expect("the pack compiles");
    let allowed: Vec<&Remark> = remarks.iter().filter(|r| r.allowed.is_some()).collect();
    assert_eq!(allowed.len(), 1);
    assert_eq!(allowed[0].code, "cool_down_below_window");
    assert_eq!(allowed[0].allowed.as_deref(), Some("not what this file is about"));
}

#[test]
fn a_rule_that_asks_about_a_rule_that_is_off_can_never_hold() {
    let mut files = shipped::files();
    let file = files.iter_mut().find(|f| f.path.ends_with("r08a_new_account_to_one.toml"));
    let file = file.expect("shipped");
    file.text = file.text.replace("mode    = \"signal\"", "mode    = \"off\"");
    let found = goshawk::rules::lint::lint(&files, &[]).expect("the pack compiles");
    let open: Vec<&Remark> =
        found.iter().filter(|r| r.allowed.is_none() && r.code != "unused_allow").collect();
    let [remark] = open[..] else { panic!("{open:#?}") };
    assert_eq!((remark.code, remark.rule.as_str()), ("never_true", "R08"));
    assert_eq!(remark.diagnostic.message, "the condition can never hold: R08a is off");
}

/// A guard and the policy allow themselves what is meant, and are told of what is not needed.
#[test]
fn guards_and_the_policy_allow_themselves_things_too() {
    let rule = shipped::files().into_iter().find(|f| f.path.contains("m04_")).expect("shipped");
    let mut files = pack(CLEAN);
    files.push(rule);
    let about = |files: &[SourceFile], path: &str| -> Vec<Remark> {
        let all = remarks(files).expect("the pack compiles");
        all.into_iter().filter(|r| r.diagnostic.path == path && r.rule != "L01").collect()
    };
    let allowed = about(&files, "guards.toml");
    assert_eq!(allowed.len(), 1, "{allowed:#?}");
    assert_eq!((allowed[0].code, allowed[0].rule.as_str()), ("no_edge_example", "G11"));
    assert!(allowed[0].allowed.is_some());
    for file in &mut files {
        if file.path == "guards.toml" {
            let at = file.text.find("[[guards.lint.allow]]").expect("G11 allows itself its limit");
            let end = file.text[at..].find("[[guards]]").expect("another guard follows");
            file.text.replace_range(at..at + end, "");
        }
        if file.path == "policy.toml" {
            file.text += "\n[[lint.allow]]\ncode = \"unreachable_band\"\nabout = \"families.ring\"\n\
                          reason = \"nobody asked\"\n";
        }
    }
    let open = about(&files, "guards.toml");
    assert_eq!(open.len(), 1, "{open:#?}");
    assert!(open[0].diagnostic.message.contains("'1.00'") && open[0].allowed.is_none());
    let open = about(&files, "policy.toml");
    assert!(open.iter().any(|remark| remark.code == "unused_allow"), "{open:#?}");
}

fn folder() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lint").to_owned()
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// Policy, guards, the file, and for a remark about two rules the plain rule beside it.
fn pack(name: &str) -> Vec<SourceFile> {
    let read = |name: &str| {
        std::fs::read_to_string(format!("{}/{name}.toml", folder())).expect("readable")
    };
    let mut files: Vec<SourceFile> = shipped::files()
        .into_iter()
        .filter(|file| file.path == "policy.toml" || file.path == "guards.toml")
        .collect();
    files.push(SourceFile { path: format!("{name}.toml"), text: read(name) });
    if name == "subsumed" {
        let text = read(CLEAN)
            .replace("L01", "L02")
            .replace("remarked_on", "plain")
            .replace("REMARKED_ON", "PLAIN");
        files.push(SourceFile { path: "plain.toml".to_owned(), text });
    }
    files
}
