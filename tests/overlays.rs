//! Overlays: what an institution changes of the pack, and what is said when it cannot be so.

use std::path::Path;
use std::process::{Command, Output};

use goshawk::cli::rules::render;
use goshawk::model::measure::Action;
use goshawk::rules::plan::{Mode, Plan};
use goshawk::rules::{SourceFile, compile, shipped};

const MANIFEST: &str = "name = \"our bank\"\nauthor = \"li.na\"\napprover = \"wang.wei\"\n\
                        valid_from = \"2026-12-01\"\n";

/// The shipped pack with files of overlays beside it.
fn pack(overlays: &[(&str, &str)]) -> Vec<SourceFile> {
    let mut files = shipped::files();
    files.extend(
        overlays
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() }),
    );
    files
}

fn plan(overlays: &[(&str, &str)]) -> Plan {
    let files = pack(overlays);
    compile(&files).unwrap_or_else(|defects| panic!("{}", render(&defects, &files)))
}

fn rule<'p>(plan: &'p Plan, id: &str) -> &'p goshawk::rules::plan::RulePlan {
    plan.rules.iter().find(|rule| rule.id == id).expect("a rule of the pack")
}

#[test]
fn an_overlay_changes_what_it_names_and_nothing_else() {
    let base = plan(&[]);
    let change = "changes = \"M02\"\nweight = 30\nmode = \"shadow\"\n\
                  title = { en = \"Many payments out\" }\n[params]\nmin_sum = \"20000.00\"\n\
                  window = { value = \"15m\" }\n[text]\nen = \"{out_count} within {window}\"\n";
    let merged = plan(&[("bank/manifest.toml", MANIFEST), ("bank/m02.toml", change)]);
    let (before, after) = (rule(&base, "M02"), rule(&merged, "M02"));
    assert_eq!((before.weight, after.weight), (35, 30));
    assert_eq!((before.mode, after.mode), (Mode::Live, Mode::Shadow));
    assert_eq!(after.title.en, "Many payments out");
    assert_eq!(after.title.zh, before.title.zh);
    let windows = |plan: &Plan, id| -> Vec<i64> {
        rule(plan, id).evidence.iter().filter_map(|e| e.window.map(|w| w.window_ms)).collect()
    };
    assert!(windows(&base, "M02").iter().all(|ms| *ms == 600_000));
    assert!(windows(&merged, "M02").iter().all(|ms| *ms == 900_000));
    assert_eq!(windows(&base, "M01"), windows(&merged, "M01"));
    assert_eq!(base.rules.len(), merged.rules.len());
    assert_ne!(base.pack_sha256, merged.pack_sha256);
    assert_eq!(merged.overlays.len(), 1);
    let overlay = &merged.overlays[0];
    assert_eq!((overlay.folder.as_str(), overlay.name.as_str()), ("bank", "our bank"));
    assert_eq!(overlay.approver.as_deref(), Some("wang.wei"));
    assert_eq!(overlay.touches, ["M02"]);
}

#[test]
fn the_order_of_overlays_means_nothing() {
    let a = [("a/manifest.toml", MANIFEST), ("a/m02.toml", "changes = \"M02\"\nweight = 30\n")];
    let b = [
        ("b/manifest.toml", MANIFEST),
        ("b/m02.toml", "changes = \"M02\"\nmode = \"shadow\"\n"),
        ("b/policy.toml", "[external_codes]\nBURST_OUT = \"1204\"\n[episodes]\nidle = \"48h\"\n"),
    ];
    let one = plan(&[&a[..], &b[..]].concat());
    let other = plan(&[&b[..], &a[..]].concat());
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
    assert_eq!(one.policy.external_codes["BURST_OUT"], "1204");
    assert_eq!(one.policy.episode_idle_ms, 48 * 3_600_000);
    assert_eq!(one.policy.cool_down_ms, plan(&[]).policy.cool_down_ms);
    assert_eq!(one.overlays[1].touches, ["M02", "policy"]);
}

#[test]
fn an_overlay_says_the_festivals_of_another_year() {
    let text = "[[festivals]]\nname = \"2027\"\nfrom = \"2027-02-06\"\nto = \"2027-02-12\"\n";
    let merged = plan(&[("bank/manifest.toml", MANIFEST), ("bank/policy.toml", text)]);
    assert_eq!(merged.policy.festivals.len(), 1, "they take the place of the shipped ones");
    assert!(plan(&[]).policy.festivals.len() > 1);
}

#[test]
fn a_private_rule_stands_beside_the_shipped_ones() {
    let text = std::fs::read_to_string("tests/lint/clean.toml").expect("readable");
    let merged = plan(&[("bank/manifest.toml", MANIFEST), ("bank/l01.toml", &text)]);
    assert_eq!(merged.rules.len(), plan(&[]).rules.len() + 1);
    assert_eq!(rule(&merged, "L01").floor, Some(Action::Review));
    assert_eq!(merged.overlays[0].touches, ["L01"]);
}

#[test]
fn four_eyes_look_at_strong_measures_only() {
    let alone = MANIFEST.replace("approver = \"wang.wei\"\n", "");
    let with = |path: &'static str, text: &str| {
        let files = pack(&[("bank/manifest.toml", &alone), (path, text)]);
        compile(&files).map_err(|defects| defects[0].message.clone())
    };
    let words = "changes = \"V09\"\n[text]\nen = \"listed\"\n";
    assert!(with("bank/v09.toml", words).is_ok(), "words need nobody else");
    let codes = "[external_codes]\nBURST_OUT = \"1204\"\n";
    assert!(with("bank/policy.toml", codes).is_ok(), "codes need nobody else");
    let mild = "changes = \"M06\"\nweight = 20\n";
    assert!(with("bank/m06.toml", mild).is_ok(), "counter_only at most");
    let strong = "changes = \"V09\"\nmode = \"off\"\n";
    assert!(with("bank/v09.toml", strong).is_err_and(|m| m.contains("rule V09 can ask for")));
    let policy = "[breaker]\nstrong_max = 5000\n";
    assert!(with("bank/policy.toml", policy).is_err_and(|m| m.contains("the policy can ask for")));
    let text = std::fs::read_to_string("tests/lint/clean.toml").expect("readable");
    assert!(with("bank/l01.toml", &text).is_ok(), "review at most");
    let stops = text.replace("floor   = \"review\"", "floor   = \"stop_payment\"");
    assert!(with("bank/l01.toml", &stops).is_err_and(|m| m.contains("rule L01 can ask for")));
    let on_trial = stops.replace("floor ", "mode = \"shadow\"\nfloor ");
    assert!(with("bank/l01.toml", &on_trial).is_ok(), "shadow asks for nothing");
}

#[test]
fn two_overlays_do_not_change_one_key() {
    let files = pack(&[
        ("a/manifest.toml", MANIFEST),
        ("a/m02.toml", "changes = \"M02\"\n[params]\nmin_sum = \"20000.00\"\n"),
        ("b/manifest.toml", MANIFEST),
        ("b/m02.toml", "changes = \"M02\"\n[params]\nmin_sum = { value = \"30000.00\" }\n"),
    ]);
    let defects = compile(&files).expect_err("changed twice");
    assert_eq!(defects.len(), 1, "{defects:#?}");
    assert_eq!(defects[0].path, "b/m02.toml");
    assert!(defects[0].hint.as_ref().is_some_and(|hint| hint.contains("a/m02.toml")));
}

#[test]
fn every_defect_of_an_overlay_has_its_message() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad_overlays");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 20);
    for name in names {
        let text = std::fs::read_to_string(format!("{folder}/{name}.toml")).expect("readable");
        let strong = "changes = \"M02\"\nweight = 30\n";
        let files = match &name {
            name if name.starts_with("manifest_") => {
                pack(&[("bank/manifest.toml", &text), ("bank/m02.toml", strong)])
            }
            name if name.starts_with("policy_") => {
                pack(&[("bank/manifest.toml", MANIFEST), ("bank/policy.toml", &text)])
            }
            _ => pack(&[("bank/manifest.toml", MANIFEST), ("bank/change.toml", &text)]),
        };
        let defects = compile(&files).expect_err(&name);
        assert!(defects.iter().all(|d| d.path.starts_with("bank/")), "{name}: {defects:#?}");
        insta::with_settings!({ snapshot_path => "bad_overlays", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.as_str(), render(&defects, &files));
        });
    }
}

fn goshawk(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program runs")
}

#[test]
fn the_commands_take_overlays() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let write = |path: &str, text: &str| {
        let path = at.join(path);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("writable");
        std::fs::write(path, text).expect("writable");
    };
    write("bank/m02.toml", "changes = \"M02\"\nweight = 30\n");
    let without = goshawk(at, &["rules", "check", "--overlay", "bank"]);
    assert_eq!(without.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&without.stderr).contains("has no manifest.toml"));
    write("bank/manifest.toml", MANIFEST);
    let check = goshawk(at, &["rules", "check", "--overlay", "bank"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    assert!(String::from_utf8_lossy(&check.stdout).contains(
        "overlay bank (our bank): M02; author li.na, approver wang.wei, valid from 2026-12-01"
    ));
    for args in [
        &["rules", "test", "--overlay", "bank"][..],
        &["rules", "lint", "--overlay", "bank"],
        &["rules", "list", "--overlay", "bank"],
    ] {
        let output = goshawk(at, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let explain = goshawk(at, &["rules", "explain", "M02", "--overlay", "bank"]);
    let explained = String::from_utf8_lossy(&explain.stdout).into_owned();
    assert!(explained.contains("our bank") && explained.contains("weight"), "{explained}");
    let twice = goshawk(at, &["rules", "check", "--overlay", "bank", "--overlay", "bank"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("needs another folder name"));
    let diff = goshawk(
        at,
        &["rules", "diff", "shipped", "shipped", "--overlay", "bank", "--format", "csv"],
    );
    let rows = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert!(rows.contains("changed,rule M02,weight,35,30"), "{rows}");
}
