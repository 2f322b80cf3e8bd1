//! `goshawk reconcile`: consumed = scored + applied + duplicates + skipped + rejected, proven from
//! the topics.

use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;

use super::drive::{end_on_interrupt, go_on};
use super::printer::{Format, Printer};
use super::rules::table;
use super::{Failure, config};
use crate::model::money::Currency;
use crate::runtime::reconcile::prove::{Bound, Range, prove};
use crate::runtime::reconcile::report::{Line, Report};
use crate::wire::balance::OTHER;

const EXAMPLES: &str = "\
Examples:
  Everything that the journal holds:
    goshawk reconcile --config goshawk.toml

  One day, by when it was worked on, in the configured zone:
    goshawk reconcile --from 2026-03-05 --to 2026-03-06

  From step 1200 up to step 1300, without it, as CSV:
    goshawk reconcile --from 1200 --to 1300 --format csv

Reads the journal, the inputs and the outputs afresh, committed records only, and writes nothing. Proves for every
step that its runs begin where those before ended; that the topics hold as many records and amounts as it says, by
partition and currency; that each record became exactly one thing; that every reject and every alert is there, each
once, and every alert's source in its step. What does not hold is named with its offsets.

Exit codes: 0 proven, 1 something breaks it or the topics cannot be read, 2 wrong usage or configuration, 3 nothing
breaks it, but inputs are gone from their topics, so that not all of it is proven.";

/// Arguments of `reconcile`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    source: config::Source,
    #[command(flatten)]
    range: RangeArgs,
    /// How the figures are printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A range of steps.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct RangeArgs {
    /// First step, or the time from which steps were worked on [default: the journal's beginning].
    #[arg(long, value_name = "STEP|TIME")]
    from: Option<String>,
    /// The step or time before which to end [default: the journal's end].
    #[arg(long, value_name = "STEP|TIME")]
    to: Option<String>,
}

impl RangeArgs {
    /// The range; times without offset are of this zone.
    pub(super) fn range(&self, zone: &TimeZone) -> Result<Range, Failure> {
        let read = |text: &Option<String>| {
            text.as_deref().map(|text| bound(text, zone)).transpose().map_err(Failure::Usage)
        };
        Ok(Range { from: read(&self.from)?, to: read(&self.to)? })
    }
}

/// Reads a step's number, a day, or a time with or without an offset.
fn bound(text: &str, zone: &TimeZone) -> Result<Bound, anyhow::Error> {
    if let Ok(step) = text.parse() {
        return Ok(Bound::Step(step));
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Bound::Time(time.as_millisecond()));
    }
    let local = text.parse::<jiff::civil::DateTime>().map_err(|_| {
        anyhow!(
            "{text:?} is neither a step's number nor a time such as 2026-03-05 or 2026-03-05T10:03"
        )
    })?;
    Ok(Bound::Time(zone.to_timestamp(local)?.as_millisecond()))
}

/// A bar over steps.
pub(super) fn bar(printer: &Printer) -> ProgressBar {
    if printer.is_quiet() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    // The template is a constant that indicatif accepts; its default would do as well.
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} step {human_pos}/{human_len} eta {eta}")
    {
        bar.set_style(style);
    }
    bar
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    end_on_interrupt()?;
    let config = args.source.read_runnable(printer)?;
    let zone = TimeZone::get(&config.zone)?;
    let range = args.range.range(&zone)?;
    let bar = bar(printer);
    let report = prove(&config, range, &go_on, &mut |step, of| {
        bar.set_length(of);
        bar.set_position(step);
    });
    bar.finish_and_clear();
    let report = report.map_err(|error| config::failure(error, printer))?;
    print(&report, args.format, printer)?;
    verdict(&report, printer)
}

const HEADER: [&str; 13] = [
    "topic",
    "partition",
    "from",
    "to",
    "unit",
    "found",
    "consumed",
    "scored",
    "applied",
    "duplicates",
    "skipped",
    "rejected",
    "difference",
];

fn print(report: &Report, format: Format, printer: &Printer) -> Result<(), Failure> {
    if format == Format::Json {
        printer.data(&serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    let rows: Vec<_> = report.partitions.iter().flat_map(rows).collect();
    table::print(&HEADER, &rows, format, printer)?;
    if format == Format::Table {
        for broken in &report.broken {
            printer.data(&format!("BROKEN  {broken}"));
        }
        for gone in &report.gone {
            printer.data(&format!("GONE    {gone}"));
        }
    }
    Ok(())
}

/// A row of records, and one of amounts for each currency.
fn rows(line: &Line) -> Vec<[String; HEADER.len()]> {
    let Line { stretch, claimed, found } = line;
    let row = |unit: &str, rest: [String; 8]| {
        let [found, consumed, scored, applied, duplicates, skipped, rejected, difference] = rest;
        let partition = stretch.partition.to_string();
        let (from, to) = (stretch.from.to_string(), stretch.to.to_string());
        [
            stretch.topic.clone(),
            partition,
            from,
            to,
            unit.to_owned(),
            found,
            consumed,
            scored,
            applied,
            duplicates,
            skipped,
            rejected,
            difference,
        ]
    };
    let counts = [
        found.records,
        claimed.records,
        claimed.scored,
        claimed.applied,
        claimed.duplicates,
        claimed.skipped,
        claimed.rejected,
    ];
    let [found_n, consumed, scored, applied, duplicates, skipped, rejected] =
        counts.map(|count| count.to_string());
    let difference = claimed.difference().to_string();
    let mut rows = vec![row(
        "records",
        [found_n, consumed, scored, applied, duplicates, skipped, rejected, difference],
    )];
    for (code, sums) in &claimed.amounts {
        let held = found.amounts.get(code).copied().unwrap_or_default();
        let sums = [
            Some(held.consumed),
            Some(sums.consumed),
            Some(sums.scored),
            None,
            Some(sums.duplicate),
            None,
            Some(sums.rejected),
            Some(sums.difference()),
        ];
        rows.push(row(
            code,
            sums.map(|sum| sum.map_or_else(String::new, |sum| decimal(sum, code))),
        ));
    }
    rows
}

/// Minor units with the currency's point.
fn decimal(minor: i128, code: &str) -> String {
    let digits = match Currency::parse(code) {
        Some(currency) if code != OTHER => currency.exponent() as usize,
        _ => 0,
    };
    let sign = if minor < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", minor.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn verdict(report: &Report, printer: &Printer) -> Result<(), Failure> {
    let Some((first, last)) = report.steps else {
        printer.talk("The journal holds no steps of this range: there is nothing to prove.");
        return Ok(());
    };
    printer.talk(&format!(
        "Steps {first} to {last}: {} alerts, {} rejects, {} sums in the journal.",
        report.alerts, report.rejects, report.summaries
    ));
    if report.repeats > 0 {
        printer.talk(&format!("{} messages are repeats, as at_least_once allows.", report.repeats));
    }
    if report.steps_uncounted > 0 {
        printer.warn(&format!(
            "{} steps were written by a version that did not count by run: their amounts are not proven",
            report.steps_uncounted
        ));
    }
    let told = report.broken.len() as u64;
    if report.broken_count > told {
        printer.warn(&format!("{} more breakages are not named", report.broken_count - told));
    }
    if report.broken_count > 0 {
        return Err(anyhow!(
            "{} things break the equality; they are named above",
            report.broken_count
        )
        .into());
    }
    if !report.gone.is_empty() {
        printer.warn("inputs are gone from their topics: of these nothing is proven");
        return Err(Failure::Incomplete);
    }
    printer.talk("Proven: every record and every amount ended as exactly one thing.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_step_or_a_time() {
        let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
        let at = |text| bound(text, &zone).expect("reads");
        let midnight: i64 = 1_772_640_000_000;
        assert_eq!(at("120"), Bound::Step(120));
        assert_eq!(at("2026-03-05"), Bound::Time(midnight));
        assert_eq!(at("2026-03-05T00:00"), Bound::Time(midnight));
        assert_eq!(at("2026-03-04T16:00:00Z"), Bound::Time(midnight));
        assert!(bound("yesterday", &zone).is_err());
    }

    #[test]
    fn minor_units_have_the_currencys_point() {
        let shown = [(5, "CNY"), (-120_000, "CNY"), (7, "JPY"), (1_234, "KWD"), (9, OTHER)];
        let shown = shown.map(|(minor, code)| decimal(minor, code));
        assert_eq!(shown, ["0.05", "-1200.00", "7", "1.234", "9"]);
    }
}
