//! What `--against` and `--sweep` print.

use serde::Serialize;

use super::super::figures::{budget, percent, print_counts, print_csv, ratio, table};
use super::super::printer::{Format, Printer};
use crate::backtest::comparison::{AccountsChanged, Comparison, PatternsChanged, RuleChange};
use crate::backtest::report::Report;
use crate::backtest::sweep::Sweep;
use crate::engine::contrast::{Amounted, EpisodesCompared};

/// Examples of accounts and patterns in the table; all of them are in the JSON.
const SHOWN_MAX: usize = 5;

/// The report of the pack with what was asked for besides: one JSON object.
#[derive(Serialize)]
pub(super) struct Whole<'a> {
    #[serde(flatten)]
    pub report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<&'a Comparison>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<&'a Sweep>,
}

/// Prints a comparison.
pub(super) fn comparison(
    report: &Report,
    against: &Comparison,
    format: Format,
    printer: &Printer,
) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let whole = Whole { report, against: Some(against), sweep: None };
            printer.data(&serde_json::to_string(&whole)?);
        }
        Format::Csv => print_csv(against.rules.iter().chain([&against.total]), printer)?,
        Format::Table => comparison_tables(report, against, printer),
    }
    Ok(())
}

/// Prints a curve.
pub(super) fn sweep(
    report: &Report,
    sweep: &Sweep,
    format: Format,
    printer: &Printer,
) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let whole = Whole { report, against: None, sweep: Some(sweep) };
            printer.data(&serde_json::to_string(&whole)?);
        }
        Format::Csv => print_csv(&sweep.points, printer)?,
        Format::Table => sweep_table(report, sweep, printer),
    }
    Ok(())
}

fn comparison_tables(report: &Report, against: &Comparison, printer: &Printer) {
    print_counts(report, printer);
    let before = &against.report;
    let pack = |report: &Report| {
        let pack = &report.pack;
        format!("{} {} ({})", pack.id, pack.version, &pack.sha256[..12])
    };
    printer.data(&format!("before: {}; after: {}", pack(before), pack(report)));
    let labelled = report.labels.is_some();
    let mut header = vec!["rule", "findings", "accounts", "gained", "lost", "% of account-days"];
    if labelled {
        header.extend(["precision", "recall", "money not yet moved (median)"]);
    }
    let mut table = table(&header);
    for change in against.rules.iter().chain([&against.total]) {
        table.add_row(change_row(change, labelled));
    }
    printer.data(&table.to_string());
    let rate = |report: &Report| {
        let rate = report.alerted_per_active_account_day;
        format!("{:.4} %, {}", rate * 100.0, budget(rate, report.budget))
    };
    printer.data(&format!("alert rate before: {}; after: {}", rate(before), rate(report)));
    printer.data(&format!(
        "{} accounts alerted by both, {} with a stronger measure, {} with a weaker one",
        against.accounts_both, against.measure_stronger, against.measure_weaker
    ));
    episodes(&against.episodes, printer);
    accounts("gained", &against.accounts_gained, printer);
    accounts("lost", &against.accounts_lost, printer);
    if let (Some(gained), Some(lost)) = (&against.patterns_gained, &against.patterns_lost) {
        patterns("gained", gained, printer);
        patterns("lost", lost, printer);
    }
}

/// `before → after`, or the one value where they are the same.
fn pair<T: PartialEq>(before: Option<T>, after: Option<T>, show: impl Fn(T) -> String) -> String {
    if before == after {
        return after.map_or_else(|| "-".to_owned(), show);
    }
    let side = |value: Option<T>| value.map_or_else(|| "-".to_owned(), &show);
    format!("{} → {}", side(before), side(after))
}

fn change_row(change: &RuleChange, labelled: bool) -> Vec<String> {
    let number = |value: u64| value.to_string();
    let share = |value: f64| ratio(Some(value));
    let mut row = vec![
        change.id.clone(),
        pair(change.findings_before, change.findings, number),
        pair(change.accounts_before, change.accounts, number),
        change.accounts_gained.to_string(),
        change.accounts_lost.to_string(),
        pair(
            change.accounts_per_active_account_day_before,
            change.accounts_per_active_account_day,
            |rate| format!("{:.4}", rate * 100.0),
        ),
    ];
    if labelled {
        row.extend([
            pair(change.precision_before, change.precision, share),
            pair(change.recall_before, change.recall, share),
            pair(change.median_lead_share_before, change.median_lead_share, |share| {
                percent(Some(share))
            }),
        ]);
    }
    row
}

/// Episodes by what the two packs ask for.
fn episodes(compared: &EpisodesCompared, printer: &Printer) {
    let one = |word: &str, sum: &Amounted| {
        format!("{} {word} ({} {})", sum.episodes, sum.amount, compared.currency)
    };
    printer.data(&format!(
        "episodes: {}, {}, {}, {}, {}",
        one("only after", &compared.would_raise),
        one("only before", compared.would_drop.as_ref().unwrap_or(&Amounted::default())),
        one("with a stronger measure", &compared.would_strengthen),
        one("with a weaker one", &compared.would_weaken),
        one("unchanged", &compared.unchanged),
    ));
}

fn accounts(word: &str, changed: &AccountsChanged, printer: &Printer) {
    let labelled = changed.labelled.map_or_else(String::new, |n| format!(", {n} of them labelled"));
    printer.data(&format!("accounts {word}: {}{labelled}", changed.count));
    for example in changed.examples.iter().take(SHOWN_MAX) {
        printer.data(&format!(
            "  {}  {}  {} (score {})  {}  {}",
            example.time,
            example.account,
            example.action,
            example.score,
            example.rules.join("+"),
            example.reason.en
        ));
    }
}

fn patterns(word: &str, changed: &PatternsChanged, printer: &Printer) {
    printer.data(&format!("patterns {word}: {}", changed.count));
    for example in changed.examples.iter().take(SHOWN_MAX) {
        printer.data(&format!(
            "  {}  {}  {} of its money not yet moved  {}",
            example.pattern,
            example.kind,
            percent(Some(example.lead_share)),
            example.rules.join("+")
        ));
    }
}

fn sweep_table(report: &Report, sweep: &Sweep, printer: &Printer) {
    print_counts(report, printer);
    printer.data(&format!(
        "{}.{} is {} in the pack (marked *); what other values would have found:",
        sweep.rule,
        sweep.parameter,
        sweep.written_words()
    ));
    let labelled = report.labels.is_some();
    let mut header = vec![
        sweep.parameter.as_str(),
        "findings",
        "accounts",
        "% of account-days",
        "alerted (pack)",
        "% of account-days (pack)",
        "budget",
    ];
    if labelled {
        header.extend(["precision", "recall", "precision (pack)", "recall (pack)"]);
    }
    let mut table = table(&header);
    for point in &sweep.points {
        let mut row = vec![
            format!("{}{}", point.value, if point.in_pack { " *" } else { "" }),
            point.findings.to_string(),
            point.accounts.to_string(),
            format!("{:.4}", point.accounts_per_active_account_day * 100.0),
            point.accounts_alerted.to_string(),
            format!("{:.4}", point.alerted_per_active_account_day * 100.0),
            if point.within_budget { "within" } else { "above" }.to_owned(),
        ];
        if labelled {
            row.extend(
                [point.rule_precision, point.rule_recall, point.precision, point.recall].map(ratio),
            );
        }
        table.add_row(row);
    }
    printer.data(&table.to_string());
}
