//! The figures of one pack, printed: for `demo` and `backtest`.

use serde::Serialize;

use super::printer::{Format, Printer};
use crate::backtest::report::{Report, RuleReport};
use crate::backtest::truth::{LabelReport, RuleLabels};

/// Prints a report in the format asked for.
pub(super) fn print_report(
    report: &Report,
    format: Format,
    printer: &Printer,
) -> anyhow::Result<()> {
    match format {
        Format::Json => printer.data(&serde_json::to_string(report)?),
        Format::Csv => print_csv(report.rules.iter().map(Row::of), printer)?,
        Format::Table => print_tables(report, printer),
    }
    Ok(())
}

/// Prints flat records as CSV with a header.
pub(super) fn print_csv(
    rows: impl IntoIterator<Item = impl Serialize>,
    printer: &Printer,
) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    printer.data(String::from_utf8(bytes)?.trim_end());
    Ok(())
}

/// An empty table with a header.
pub(super) fn table(header: &[&str]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(header.iter().copied());
    table
}

/// A share with three places, `-` where there is none.
pub(super) fn ratio(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"))
}

/// A share in percent, `-` where there is none.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// Whether an alert rate is within the budget, in words.
pub(super) fn budget(rate: f64, budget: f64) -> String {
    let word = if rate <= budget { "within" } else { "above" };
    format!("{word} the budget of {} %", budget * 100.0)
}

/// One rule as a row of CSV.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    findings: u64,
    accounts: u64,
    not_evaluable: u64,
    suppressed: u64,
    accounts_per_active_account_day: f64,
    accounts_alone: u64,
    precision: Option<f64>,
    recall: Option<f64>,
    median_lead_share: Option<f64>,
}

impl<'a> Row<'a> {
    fn of(rule: &'a RuleReport) -> Self {
        let labels = rule.labels.as_ref();
        Self {
            id: &rule.id,
            findings: rule.findings,
            accounts: rule.accounts,
            not_evaluable: rule.not_evaluable,
            suppressed: rule.suppressed,
            accounts_per_active_account_day: rule.accounts_per_active_account_day,
            accounts_alone: rule.accounts_alone,
            precision: labels.and_then(|labels| labels.precision),
            recall: labels.map(|labels| labels.recall),
            median_lead_share: labels.and_then(|labels| labels.median_lead_share),
        }
    }
}

fn print_tables(report: &Report, printer: &Printer) {
    print_counts(report, printer);
    printer.data(&rules(report).to_string());
    print_overlap(report, printer);
    if let Some(labels) = &report.labels {
        print_labels(labels, printer);
    }
}

/// What became of the records, how fast, and how many alerts.
pub(super) fn print_counts(report: &Report, printer: &Printer) {
    let rejected: u64 = report.rejected.values().sum();
    let latency = &report.decision_latency_us;
    printer.data(&format!(
        "{} events: {} scored ({} late), {} applied, {} duplicates, {} skipped, {rejected} rejected",
        report.events,
        report.scored,
        report.late,
        report.applied,
        report.duplicates,
        report.skipped
    ));
    for (reason, count) in &report.rejected {
        printer.data(&format!("  rejected as {reason}: {count}"));
    }
    printer.data(&format!(
        "{:.0} events/s; decision latency p50 {} us, p99 {} us, p99.9 {} us",
        report.events_per_second, latency.p50, latency.p99, latency.p999
    ));
    let words = |map: &std::collections::BTreeMap<&str, u64>| {
        let parts: Vec<_> = map.iter().map(|(word, n)| format!("{word} {n}")).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    };
    printer.data(&format!("alerts: {}", words(&report.alerts)));
    printer.data(&format!("measures: {}", words(&report.measures)));
    let rate = report.alerted_per_active_account_day;
    printer.data(&format!(
        "{} of {} active accounts alerted; {:.4} % per active account and day, {}",
        report.accounts_alerted,
        report.accounts_active,
        rate * 100.0,
        budget(rate, report.budget)
    ));
}

fn rules(report: &Report) -> comfy_table::Table {
    let mut header = vec![
        "rule",
        "findings",
        "accounts",
        "of it alone",
        "% of account-days",
        "suppressed",
        "not evaluable",
    ];
    if report.labels.is_some() {
        header.extend(["precision", "recall", "money not yet moved (median)"]);
    }
    let mut table = table(&header);
    for rule in &report.rules {
        let mut row = vec![
            rule.id.clone(),
            rule.findings.to_string(),
            rule.accounts.to_string(),
            rule.accounts_alone.to_string(),
            format!("{:.4}", rule.accounts_per_active_account_day * 100.0),
            rule.suppressed.to_string(),
            rule.not_evaluable.to_string(),
        ];
        if let Some(RuleLabels { precision, recall, median_lead_share, .. }) = &rule.labels {
            row.extend([ratio(*precision), ratio(Some(*recall)), percent(*median_lead_share)]);
        }
        table.add_row(row);
    }
    table
}

/// The pairs with most accounts in common; all of them are in the JSON.
fn print_overlap(report: &Report, printer: &Printer) {
    const SHOWN_MAX: usize = 10;
    let mut pairs: Vec<_> = report.overlap.iter().collect();
    if pairs.is_empty() {
        return;
    }
    pairs.sort_by(|a, b| b.accounts.cmp(&a.accounts).then_with(|| a.rules.cmp(&b.rules)));
    let mut table = table(&["rules", "accounts in common", "of the rule with fewer"]);
    for pair in pairs.iter().take(SHOWN_MAX) {
        let rules = pair.rules.join(" + ");
        table.add_row([rules, pair.accounts.to_string(), percent(Some(pair.share))]);
    }
    printer.data(&table.to_string());
    if pairs.len() > SHOWN_MAX {
        printer.data(&format!("{} further pairs of rules overlap less", pairs.len() - SHOWN_MAX));
    }
}

fn print_labels(labels: &LabelReport, printer: &Printer) {
    printer.data(&format!(
        "labels: {} of {} planted accounts found; precision {:.3}, recall {:.3}",
        labels.accounts_found, labels.accounts_planted, labels.precision, labels.recall
    ));
    let mut table = table(&[
        "pattern",
        "planted",
        "found",
        "missed",
        "recall",
        "accounts found",
        "money not yet moved (median)",
    ]);
    for pattern in &labels.patterns {
        table.add_row([
            pattern.kind.clone(),
            pattern.planted.to_string(),
            pattern.found.to_string(),
            (pattern.planted - pattern.found).to_string(),
            ratio(Some(pattern.recall)),
            format!("{} of {}", pattern.accounts_found, pattern.accounts_planted),
            percent(pattern.median_lead_share),
        ]);
    }
    printer.data(&table.to_string());
}
