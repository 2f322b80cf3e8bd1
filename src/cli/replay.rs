//! `goshawk replay`: published alerts made again from the journal, and compared.

use std::path::PathBuf;

use anyhow::anyhow;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::drive::{end_on_interrupt, go_on};
use super::printer::{Format, Printer};
use super::reconcile::{RangeArgs, bar};
use super::rules::table;
use super::{Failure, config};
use crate::runtime::replay::compare::{Compared, Difference, Verdict};
use crate::runtime::replay::{Gone, Replayed, What, folder, replay};
use crate::wire::encode::text::rfc3339;

const EXAMPLES: &str = "\
Examples:
  One alert, all its revisions:
    goshawk replay --config goshawk.toml --alert 01c3a2f0d6b84e7f

  What the demo has just published:
    goshawk replay --data-dir .goshawk/demo

  The alerts of one day, by when it was worked on:
    goshawk replay --from 2026-03-05 --to 2026-03-06 --format json

Builds the state again from the newest snapshot before the alerts, or from the journal's beginning where there is none
(`--set snapshots.interval=0s`: always from there), each step under the rules of its time, which the journal holds, and
makes the alerts again. Nothing is published. Needs the inputs that the journal names, and for masked alerts the
key that they were made with; tenant, zone, lateness and skew must be as they were.

Exit codes: 0 all are equal byte for byte, 1 some are not, or it could not be done, 2 wrong usage or configuration,
3 inputs are gone, so that the state could not be built as it was, and some alerts are not equal.";

/// Arguments of `replay`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    source: config::Source,
    /// A folder that `demo` has filled, instead of topics.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "settings"])]
    data_dir: Option<PathBuf>,
    /// The alert's id; without it the alerts of a range.
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "to"])]
    alert: Option<String>,
    #[command(flatten)]
    range: RangeArgs,
    /// How the outcome is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    end_on_interrupt()?;
    let what = |zone: &TimeZone| {
        Ok::<_, Failure>(match &args.alert {
            Some(id) => What::Alert(id.clone()),
            None => What::Steps(args.range.range(zone)?),
        })
    };
    let bar = bar(printer);
    let mut progress = |step, of| {
        bar.set_length(of);
        bar.set_position(step);
    };
    let (replayed, zone, places) = match &args.data_dir {
        Some(folder) => {
            let zone = super::default_zone()?;
            let replayed = folder::replay(folder, &what(&zone)?, &go_on, &mut progress);
            let replayed = replayed.map_err(|error| Failure::Failed(error.into()));
            (replayed, zone, folder.join(folder::ALERTS).display().to_string())
        }
        None => {
            let config = args.source.read_runnable(printer)?;
            let zone = TimeZone::get(&config.zone)?;
            let replayed = replay(&config, &what(&zone)?, &go_on, &mut progress);
            let replayed = replayed.map_err(|error| config::failure(error, printer));
            let topics = &config.kafka.topics;
            (replayed, zone, format!("{} or {}", topics.alerts, topics.shadow))
        }
    };
    bar.finish_and_clear();
    let mut replayed = replayed?;
    let compared = std::mem::take(&mut replayed.comparison).finish();
    if let Some(id) = args.alert.as_ref().filter(|_| compared.is_empty()) {
        return Err(anyhow!("there is no alert {id} in {places}").into());
    }
    print(&replayed, &compared, args.format, printer)?;
    verdict(&replayed, &compared, &zone, printer)
}

const HEADER: [&str; 6] = ["alert", "revision", "step", "outcome", "place", "difference"];

pub(super) fn print(
    replayed: &Replayed,
    compared: &[Compared],
    format: Format,
    printer: &Printer,
) -> Result<(), Failure> {
    if format == Format::Json {
        let gone: Vec<Value> = replayed
            .gone
            .iter()
            .map(|gone| json!({ "stretch": gone.stretch, "oldest_ms": gone.oldest_ms }))
            .collect();
        printer.data(&serde_json::to_string_pretty(&json!({
            "steps": replayed.steps,
            "records": replayed.records,
            "snapshot": replayed.snapshot.as_ref().map(|(set, _)| set),
            "alerts": compared,
            "gone": gone,
            "steps_without_rules": replayed.without_rules,
        }))?);
        return Ok(());
    }
    if let Some((set, step)) = &replayed.snapshot {
        printer.talk(&format!("The state up to step {step} comes from snapshot {set}."));
    }
    let rows: Vec<_> = compared.iter().flat_map(rows).collect();
    table::print(&HEADER, &rows, format, printer)
}

/// A row for the alert, or one for each place at which it differs.
fn rows(compared: &Compared) -> Vec<[String; HEADER.len()]> {
    let row = |place: String, difference: String| {
        [
            compared.alert_id.clone(),
            compared.revision.to_string(),
            compared.step.map_or_else(String::new, |step| step.to_string()),
            compared.verdict.word().to_owned(),
            place,
            difference,
        ]
    };
    if compared.differences.is_empty() {
        return vec![row(String::new(), String::new())];
    }
    let side =
        |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
    let one = |Difference { place, published, reproduced }: &Difference| {
        let difference = format!("published {}, reproduced {}", side(published), side(reproduced));
        row(place.clone(), difference)
    };
    compared.differences.iter().map(one).collect()
}

pub(super) fn verdict(
    replayed: &Replayed,
    compared: &[Compared],
    zone: &TimeZone,
    printer: &Printer,
) -> Result<(), Failure> {
    if let Some((first, last)) = replayed.steps {
        let records = replayed.records;
        printer.talk(&format!("Steps {first} to {last} were repeated, {records} records."));
    }
    for Gone { stretch, oldest_ms } in &replayed.gone {
        let since = match oldest_ms {
            Some(time_ms) => {
                format!("the oldest record that the topic holds is of {}", rfc3339(*time_ms, zone))
            }
            None => "the topic holds nothing of this partition".to_owned(),
        };
        printer.warn(&format!("{stretch} are gone: {since}"));
    }
    if replayed.without_rules > 0 {
        printer.warn(&format!(
            "{} steps were repeated under other rules than theirs: the journal does not hold those any more, or this \
             version cannot compile them",
            replayed.without_rules
        ));
    }
    let unequal = compared.iter().filter(|one| one.verdict != Verdict::Equal).count();
    if unequal == 0 {
        match compared.len() {
            0 => printer.talk("There are no alerts: nothing to compare."),
            count => printer.talk(&format!("Equal, byte for byte: {count} alerts.")),
        }
        return Ok(());
    }
    let said = format!("{unequal} of {} alerts are not equal", compared.len());
    if replayed.gone.is_empty() {
        return Err(anyhow!(said).into());
    }
    printer.warn(&format!("{said}; the inputs that are gone may be why"));
    Err(Failure::Incomplete)
}
