//! The tools for authors, as commands: one author's walk, and what each command says.

use std::path::Path;
use std::process::{Command, Output};

fn goshawk(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Copies the shipped pack into a folder.
fn pack(folder: &Path) {
    for (path, text) in goshawk::rules::shipped::FILES {
        let path = folder.join("rules").join(path);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("readable");
    assert!(text.contains(from), "{from} in {}", path.display());
    std::fs::write(path, text.replace(from, to)).expect("writable");
}

/// From nothing to a tested rule, then a mistake in each place where one is noticed.
#[test]
fn an_author_walks_from_nothing_to_a_tested_rule() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    pack(at);
    let run = |args: &[&str]| goshawk(at, args);
    let new =
        run(&["rules", "new", "X01", "night_sweep", "--folder", "rules/own", "--rules", "rules"]);
    assert!(new.status.success(), "{}", text(&new.stderr));
    assert_eq!(text(&new.stdout).trim(), "rules/own/x01_night_sweep.toml");
    for args in [
        &["rules", "check", "--rules", "rules"][..],
        &["rules", "test", "X01", "--rules", "rules"],
        &["rules", "test", "--rule", "x01", "--rules", "rules"],
        &["rules", "lint", "--rules", "rules"],
        &["rules", "fmt", "--check", "rules/own"],
    ] {
        let output = run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    }
    // The same id again is refused, and nothing is written.
    let again = run(&["rules", "new", "X01", "other", "--folder", "rules/own", "--rules", "rules"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("there is a rule X01 night_sweep already, in own/x01"));
    assert!(!at.join("rules/own/x01_other.toml").exists());

    let file = at.join("rules/own/x01_night_sweep.toml");
    edit(&file, "min_count = { value = 3", "min_count = { value = 4");
    let test = run(&["rules", "test", "night_sweep", "--rules", "rules"]);
    assert_eq!(test.status.code(), Some(1));
    assert!(text(&test.stdout).contains("missing"), "{}", text(&test.stdout));
    let junit = run(&["rules", "test", "X01", "--format", "junit", "--rules", "rules"]);
    assert!(text(&junit.stdout).contains("failures=\"2\""), "{}", text(&junit.stdout));
    let json = run(&["rules", "test", "X01", "--format", "json", "--rules", "rules"]);
    let ran: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(ran.as_array().map(Vec::len), Some(6));

    let diff = run(&["rules", "diff", "shipped", "rules", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_slice(&diff.stdout).expect("JSON");
    assert_eq!(rows[0]["change"], "added");
    assert_eq!(rows[0]["about"], "rule X01");
}

#[test]
fn fmt_writes_the_usual_form_and_keeps_what_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    pack(at);
    let file = at.join("rules/mule/m02_burst_out.toml");
    edit(&file, "weight  = 35", "weight=35 # as the others");
    let check = goshawk(at, &["rules", "fmt", "--check", "rules/mule/m02_burst_out.toml"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(goshawk(at, &["rules", "fmt", "rules"]).status.success());
    let written = std::fs::read_to_string(&file).expect("readable");
    assert!(written.contains("weight  = 35 # as the others\n"), "{written}");
    assert!(goshawk(at, &["rules", "fmt", "--check", "rules"]).status.success());
    let diff = goshawk(at, &["rules", "diff", "shipped", "rules"]);
    assert_eq!(text(&diff.stdout), "");
    assert!(text(&diff.stderr).contains("The packs say the same."));
}

#[test]
fn explain_knows_rules_guards_and_the_language() {
    let at = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said = |what: &str| text(&goshawk(at, &["rules", "explain", what]).stdout);
    let rule = said("M02");
    for part in [
        "M02 burst_out",
        "reads at each payment",
        "&& out_payees >= params.min_payees && out_sum >= params.min_sum",
        "name: min_count; value: 5; unit: count; meaning: payments",
        "{out_count} payments to {out_payees} payees within {window}",
    ] {
        assert!(rule.contains(part), "{part} in {rule}");
    }
    assert!(!rule.contains("shared with") && !rule.contains("duration('10m')"), "{rule}");
    let plan = text(&goshawk(at, &["rules", "explain", "M02", "--plan"]).stdout);
    for part in [
        "shared with",
        "payer.debits(duration('10m')).without('own', 'payroll', 'merchant').count() >= 5",
    ] {
        assert!(plan.contains(part), "{part} in {plan}");
    }
    let m01 = said("M01");
    assert!(m01.contains("when: `cycles` is at least 2 (`cycles`), or"), "{m01}");
    // Of an opening: in the words that the compiler takes.
    let m25 = said("M25");
    assert!(m25.contains("customer.openings") && !m25.contains("payer_customer"), "{m25}");
    assert!(m25.contains("the opening") && !m25.contains("held"), "{m25}");
    assert!(said("payer.debits").contains("debits(window)"));
    assert!(said("has").contains("has(x)"));
    assert!(said("G1").contains("payment.own_transfer"));
    let unknown = goshawk(at, &["rules", "explain", "brust_out"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("did you mean `burst_out`?"));
}

#[test]
fn why_puts_an_alert_into_words_and_minds_the_pack() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let demo = goshawk(
        at,
        &[
            "demo",
            "--events",
            "20000",
            "--accounts",
            "2000",
            "--seed",
            "7",
            "--data-dir",
            ".",
            "--format",
            "json",
        ],
    );
    assert!(demo.status.success(), "{}", text(&demo.stderr));
    let alerts = std::fs::read_to_string(at.join("alerts.jsonl")).expect("alerts");
    let m01 =
        alerts.lines().find(|line| line.contains("\"rule_id\":\"M01\"")).expect("an alert of M01");
    std::fs::write(at.join("alert.json"), m01).expect("writable");
    let why = goshawk(at, &["rules", "why", "alert.json"]);
    assert!(why.status.success(), "{}", text(&why.stderr));
    let said = text(&why.stdout);
    for part in ["in_sum", "at least CNY 5000.00", "flow_ratio", "at least 90.0 %", "held", "G1"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    // What did not hold is told with its limit.
    for part in ["Asks for more: stop_payment", "at least 2 (cycles)", "did not hold"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("could not be said, or"), "{said}");
    let zh = text(&goshawk(at, &["rules", "why", "alert.json", "--lang", "zh"]).stdout);
    assert!(zh.contains("不低于 5000.00元"), "{zh}");
    // Another pack: what the alert carries is explained, and the difference is said.
    pack(at);
    edit(&at.join("rules/mule/m01_pass_through.toml"), "weight  = 50", "weight  = 45");
    let other = goshawk(at, &["rules", "why", "alert.json", "--rules", "rules"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).contains("was raised by pack"));
    assert!(text(&other.stdout).contains("in_sum"));
    let several = goshawk(at, &["rules", "why", "alerts.jsonl"]);
    assert_eq!(several.status.code(), Some(2));
    assert!(text(&several.stderr).contains("name one with --id"));
}
