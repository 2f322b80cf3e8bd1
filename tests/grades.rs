//! Values for single grades (`by_grade`): whose grade decides, for every sort of subject.

use std::sync::Arc;

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::rules::{SourceFile, compile, examples, shipped};

/// A shipped rule with `from` replaced, and one example in place of its own.
fn seen(path: &str, [from, to]: [&str; 2], given: &str) -> Vec<String> {
    let named = |file: &SourceFile| file.path == path;
    let rule = shipped::files().into_iter().find(named).expect("shipped");
    assert!(rule.text.contains(from), "{from}");
    let (head, _) = rule.text.split_once("[[examples]]").expect("has examples");
    let example = format!("[[examples]]\nname = \"one\"\ngiven = '''\n{given}'''\nexpect = []\n");
    let text = head.replacen(from, to, 1) + &example;
    let kept = |file: &SourceFile| ["policy.toml", "guards.toml"].contains(&&*file.path);
    let mut files: Vec<SourceFile> = shipped::files().into_iter().filter(kept).collect();
    files.push(SourceFile { path: rule.path, text });
    let all = examples::of(&files).expect("readable");
    let batch = &all[0].batch;
    // The pack wants more examples than this one: only they are missing.
    let plan = compile(&with_examples(files)).expect("compiles");
    let config = EngineConfig { report_findings: true, ..EngineConfig::for_tenant("test") };
    let output = Engine::new(config, Arc::new(plan)).step(batch, &Inline);
    let line = |f: &goshawk::engine::FindingRecord| {
        format!("{} {}", examples::time_word(f.time_ms), f.account)
    };
    output.findings.iter().filter(|f| !f.removed).map(line).collect()
}

/// Enough examples for the pack to compile; what they say is not run.
fn with_examples(mut files: Vec<SourceFile>) -> Vec<SourceFile> {
    let rule = files.last_mut().expect("a rule");
    let id = rule.text.lines().find_map(|l| l.strip_prefix("id      = \"")).expect("an id");
    let id = id.trim_end_matches('"').to_owned();
    for (name, expect) in [("f1", true), ("f2", true), ("n1", false)] {
        let expect = if expect { format!("\"10:00 {id} A\"") } else { String::new() };
        rule.text += &format!(
            "\n[[examples]]\nname = \"{name}\"\ngiven = \"10:00 A -> B 1\"\nexpect = [{expect}]\n"
        );
    }
    files
}

#[test]
fn of_a_device_it_is_the_paying_account_whose_grade_counts() {
    let high =
        ["min_in_day  = { value = 3,", "min_in_day  = { value = 3, by_grade = { high = 2 },"];
    let given = "
      10:00 A -> X 100 device=d1 grade=high
      11:00 B -> X 100 device=d1
      12:00 C -> X 100 device=d2
      13:00 D -> X 100 device=d2 grade=high
      14:00 E -> X 100 device=d3 payee.grade=high
      15:00 F -> X 100 device=d3 payee.grade=high
    ";
    assert_eq!(seen("ring/r01_shared_device.toml", high, given), ["13:00 D"]);
    assert!(seen("ring/r01_shared_device.toml", [high[0], high[0]], given).is_empty());
}

#[test]
fn of_a_payee_it_is_the_account_paid() {
    let high = ["min_payers = { value = 5,", "min_payers = { value = 5, by_grade = { high = 2 },"];
    let given = "
      10:00 A,B -> X 9000 every=1m grade=high
      11:00 A,B -> Y 9000 every=1m payee.grade=high
    ";
    assert_eq!(seen("mule/m03_burst_in.toml", high, given), ["11:01 Y"]);
}
