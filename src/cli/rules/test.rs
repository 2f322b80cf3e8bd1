//! `rules test`: the examples beside the rules, run through the engine.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::anyhow;
use serde::Serialize;

use super::run_examples::seen;
use super::{TestArgs, TestFormat, count, load};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::rules::examples::{self, Example, OF_PACK, Shows};

const HEADER: [&str; 6] = ["rule", "example", "result", "expected", "seen", "file"];

/// An example that was run.
#[derive(Serialize)]
struct Ran<'a> {
    rule: &'a str,
    example: &'a str,
    file: &'a str,
    line: usize,
    passed: bool,
    expected: &'a [String],
    seen: Vec<String>,
}

pub(super) fn run(args: &TestArgs, printer: &Printer) -> Result<(), Failure> {
    let (files, plan) = load(&args.pack, printer)?;
    let plan = Arc::new(plan);
    let all = examples::of(&files).map_err(|_| anyhow!("the examples cannot be read"))?;
    let name_of = |id: &str| plan.rules.iter().find(|rule| rule.id == id).map(|r| r.name.as_str());
    let is_chosen = |example: &&Example| {
        // A rule that is off is not in the plan: its examples would all come out differently.
        let name = match example.shows {
            Shows::Alerts { .. } => OF_PACK,
            Shows::Findings => match name_of(&example.rule) {
                Some(name) => name,
                None => return false,
            },
        };
        let names = [example.rule.as_str(), name, example.name.as_str()];
        let by_filter = args.filter.as_ref().is_none_or(|filter| {
            names.iter().any(|n| n.to_lowercase().contains(&filter.to_lowercase()))
        });
        by_filter && args.rule.as_ref().is_none_or(|id| id.eq_ignore_ascii_case(&example.rule))
    };
    let chosen: Vec<&Example> = all.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        return Err(Failure::Usage(anyhow!("no example of such a name in this pack")));
    }
    let ran: Vec<Ran<'_>> = chosen
        .iter()
        .map(|example| {
            let seen = seen(example, &plan);
            Ran {
                rule: &example.rule,
                example: &example.name,
                file: &example.path,
                line: example.line,
                passed: seen == example.expect,
                expected: &example.expect,
                seen,
            }
        })
        .collect();
    match args.format {
        TestFormat::Table => {
            for ran in ran.iter().filter(|ran| !ran.passed || chosen.len() == 1) {
                printer.data(&difference(ran));
            }
        }
        TestFormat::Json => printer.data(&serde_json::to_string_pretty(&ran)?),
        TestFormat::Csv => {
            let rows: Vec<[String; 6]> = ran.iter().map(cells).collect();
            super::table::print(&HEADER, &rows, Format::Csv, printer)?;
        }
        TestFormat::Junit => printer.data(&junit(&ran)),
    }
    let failed = ran.iter().filter(|ran| !ran.passed).count();
    let ran = count(chosen.len(), "example");
    if failed == 0 {
        printer.talk(&format!("{ran} ran, all as expected."));
        return Ok(());
    }
    printer.talk(&format!("{ran} ran, {failed} came out differently."));
    Err(Failure::Silent)
}

fn cells(ran: &Ran<'_>) -> [String; 6] {
    [
        ran.rule.to_owned(),
        ran.example.to_owned(),
        if ran.passed { "ok" } else { "DIFFERS" }.to_owned(),
        ran.expected.join(", "),
        ran.seen.join(", "),
        ran.file.to_owned(),
    ]
}

/// Expected beside seen, finding by finding.
fn difference(ran: &Ran<'_>) -> String {
    let head = format!("{}:{}: {}: {}", ran.file, ran.line, ran.rule, ran.example);
    if ran.expected.is_empty() && ran.seen.is_empty() {
        return format!("{head}\n  nothing expected, nothing seen");
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["expected", "seen", ""]);
    let (mut expected, mut seen) = (ran.expected.iter().peekable(), ran.seen.iter().peekable());
    loop {
        // Both are in order of time: what only one side has is shown alone.
        let row = match (expected.peek(), seen.peek()) {
            (None, None) => break,
            (Some(a), Some(b)) if a == b || same_finding(a, b) => (expected.next(), seen.next()),
            (Some(a), _) if !ran.seen.iter().any(|b| a == &b || same_finding(a, b)) => {
                (expected.next(), None)
            }
            (_, Some(_)) => (None, seen.next()),
            (Some(_), None) => (expected.next(), None),
        };
        let mark = match row {
            (Some(a), Some(b)) if a == b => "",
            (Some(_), Some(_)) => "differs",
            (Some(_), None) => "missing",
            _ => "not expected",
        };
        let cell = |line: Option<&String>| line.cloned().unwrap_or_default();
        table.add_row([cell(row.0), cell(row.1), mark.to_owned()]);
    }
    format!("{head}\n{table}")
}

/// Whether two lines are about one finding, whatever they say about it.
fn same_finding(a: &str, b: &str) -> bool {
    let key =
        |line: &str| examples::Expectation::parse(line).map(|e| (e.time_ms, e.rule, e.account));
    key(a) == key(b)
}

fn junit(ran: &[Ran<'_>]) -> String {
    let failed = ran.iter().filter(|ran| !ran.passed).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing into a String does not fail.
    let _ = writeln!(
        text,
        "<testsuite name=\"goshawk rules\" tests=\"{}\" failures=\"{failed}\">",
        ran.len()
    );
    for case in ran {
        let (file, name) = (escaped(case.file), escaped(case.example));
        let line = case.line;
        let open = format!(
            "  <testcase classname=\"{}\" name=\"{name}\" file=\"{file}\" line=\"{line}\"",
            escaped(case.rule)
        );
        let _ = match case.passed {
            true => writeln!(text, "{open}/>"),
            false => writeln!(
                text,
                "{open}>\n    <failure message=\"came out differently\">expected: {}\nseen: {}\
                 </failure>\n  </testcase>",
                escaped(&case.expected.join(", ")),
                escaped(&case.seen.join(", "))
            ),
        };
    }
    text + "</testsuite>"
}

/// Text inside XML. Control characters, which XML cannot hold, are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t') {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;

    fn ran<'a>(expected: &'a [String], seen: &[&str]) -> Ran<'a> {
        let seen: Vec<String> = seen.iter().map(|line| (*line).to_owned()).collect();
        let passed = seen == expected;
        Ran { rule: "M02", example: "a & b", file: "m.toml", line: 7, passed, expected, seen }
    }

    #[test]
    fn every_shipped_example_comes_out_as_expected() {
        let files = shipped::files();
        let plan =
            Arc::new(crate::runtime::pack::compile(files.clone()).expect("the pack compiles"));
        let mut differing = Vec::new();
        for example in examples::of(&files).expect("the examples are readable") {
            let seen = seen(&example, &plan);
            if seen != example.expect {
                let (path, name, expect) = (&example.path, &example.name, &example.expect);
                differing.push(format!("{path}: {name}: expected {expect:?}, seen {seen:?}"));
            }
        }
        assert!(differing.is_empty(), "{}", differing.join("\n"));
    }

    #[test]
    fn a_difference_is_read_line_by_line() {
        let expected =
            ["10:01 M02 A", "10:03 M02 A floor=review", "10:05 M02 A"].map(str::to_owned);
        let seen = ["10:01 M02 A", "10:02 M02 A", "10:03 M02 A floor=delay"];
        insta::assert_snapshot!(difference(&ran(&expected, &seen)), @r"
        m.toml:7: M02: a & b
        ┌──────────────────────────┬─────────────────────────┬──────────────┐
        │ expected                 ┆ seen                    ┆              │
        ╞══════════════════════════╪═════════════════════════╪══════════════╡
        │ 10:01 M02 A              ┆ 10:01 M02 A             ┆              │
        │                          ┆ 10:02 M02 A             ┆ not expected │
        │ 10:03 M02 A floor=review ┆ 10:03 M02 A floor=delay ┆ differs      │
        │ 10:05 M02 A              ┆                         ┆ missing      │
        └──────────────────────────┴─────────────────────────┴──────────────┘
        ");
    }

    #[test]
    fn junit_is_well_formed() {
        let expected = ["10:01 M02 A".to_owned()];
        let text = junit(&[ran(&expected, &["10:01 M02 A"]), ran(&expected, &[])]);
        insta::assert_snapshot!(text, @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuite name="goshawk rules" tests="2" failures="1">
          <testcase classname="M02" name="a &amp; b" file="m.toml" line="7"/>
          <testcase classname="M02" name="a &amp; b" file="m.toml" line="7">
            <failure message="came out differently">expected: 10:01 M02 A
        seen: </failure>
          </testcase>
        </testsuite>
        "#);
    }
}
