//! `rules test`: the examples beside the rules, run through the engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::anyhow;

use super::{TestArgs, count, load};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::engine::{Engine, EngineConfig, Inline};
use crate::rules::examples::{self, Example, time_word};
use crate::rules::plan::Plan;

const HEADER: [&str; 6] = ["rule", "example", "result", "expected", "seen", "file"];

/// The word of an expected finding that a guard removed.
const REMOVED: &str = "removed";

pub(super) fn run(args: &TestArgs, printer: &Printer) -> Result<(), Failure> {
    let (files, plan) = load(&args.pack, printer)?;
    let plan = Arc::new(plan);
    let all = examples::of(&files).map_err(|_| anyhow!("the examples cannot be read"))?;
    let chosen: Vec<&Example> =
        all.iter().filter(|e| args.rule.as_ref().is_none_or(|id| *id == e.rule)).collect();
    if chosen.is_empty() {
        return Err(Failure::Usage(anyhow!("no example of such a rule in this pack")));
    }
    let mut failed = 0;
    let mut rows = Vec::new();
    for example in &chosen {
        let seen = seen(example, &plan);
        let is_as_expected = seen == example.expect;
        failed += usize::from(!is_as_expected);
        if is_as_expected && args.format == Format::Table && chosen.len() > 1 {
            continue;
        }
        rows.push([
            example.rule.clone(),
            example.name.clone(),
            if is_as_expected { "ok" } else { "DIFFERS" }.to_owned(),
            example.expect.join(", "),
            seen.join(", "),
            example.path.clone(),
        ]);
    }
    if !rows.is_empty() {
        print_table(&HEADER, &rows, args.format, printer)?;
    }
    let ran = count(chosen.len(), "example");
    if failed == 0 {
        printer.talk(&format!("{ran} ran, all as expected."));
        return Ok(());
    }
    printer.talk(&format!("{ran} ran, {failed} came out differently."));
    Err(Failure::Silent)
}

/// The findings of one example, as its expectations are written: those of the example's own rule
/// and of the rules it names.
fn seen(example: &Example, plan: &Arc<Plan>) -> Vec<String> {
    let words = |line: &'_ String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let named: BTreeSet<String> =
        example.expect.iter().flat_map(words).chain([example.rule.clone()]).collect();
    let shows_removed = named.contains(REMOVED);
    let config = EngineConfig { report_findings: true, ..EngineConfig::for_tenant("examples") };
    let mut engine = Engine::new(config, Arc::clone(plan));
    let output = engine.step(&example.batch, &Inline);
    output
        .findings
        .iter()
        .filter(|finding| shows_removed || !finding.removed)
        .filter_map(|finding| {
            let rule = &plan.rules[usize::from(finding.rule)].id;
            let time_ms = example.batch.events[finding.event as usize].time_ms;
            let removed = if finding.removed { " removed" } else { "" };
            let line = format!("{} {rule} {}{removed}", time_word(time_ms), finding.account);
            named.contains(rule).then_some(line)
        })
        .collect()
}

/// Prints rows in the format asked for.
pub(super) fn print_table<const N: usize>(
    header: &[&str; N],
    rows: &[[String; N]],
    format: Format,
    printer: &Printer,
) -> Result<(), Failure> {
    match format {
        Format::Table => {
            let mut table = comfy_table::Table::new();
            table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
            table.set_header(header.iter().copied());
            for row in rows {
                table.add_row(row);
            }
            printer.data(&table.to_string());
        }
        Format::Json => {
            let objects: Vec<serde_json::Map<String, serde_json::Value>> = rows
                .iter()
                .map(|row| {
                    let pairs = header.iter().zip(row);
                    pairs.map(|(key, value)| ((*key).to_owned(), value.clone().into())).collect()
                })
                .collect();
            printer.data(&serde_json::to_string_pretty(&objects)?);
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(header)?;
            for row in rows {
                writer.write_record(row)?;
            }
            let bytes = writer.into_inner().map_err(|error| anyhow!("{error}"))?;
            printer.data(String::from_utf8(bytes)?.trim_end());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;

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
}
