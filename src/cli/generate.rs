//! `goshawk generate`: a synthetic town's payments, with labelled fraud, into a file or into Kafka.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, printer::Printer};
use crate::generate::file::LineFile;
use crate::generate::kafka::{Feed, FeedError};
use crate::generate::{GenerateConfig, Generator, START_MS, Truth, json};
use crate::model::event::{Body, Event};
use crate::model::label::LabelWriter;
use crate::model::time::{DAY, Millis};
use crate::source::kafka::client::KafkaSettings;
use crate::source::kafka::token::read_token;
use crate::source::{Progress, Source as _, Step};

const EXAMPLES: &str = "\
Examples:
  A million events and their labels, compressed:
    goshawk generate --accounts 20000 --events 1000000 --out payments.jsonl.zst --labels labels.csv

  A look at the first events:
    goshawk generate --events 0 --out - | head

  Two thousand events a second into a topic, until interrupted:
    goshawk generate --accounts 100000 --events 0 --brokers localhost:9092 --topic payments --rate 2000

  As it would happen now, payments and lists in topics of their own:
    goshawk generate --accounts 500000 --events 0 --now --brokers localhost:9092 \\
      --topic payments --accounts-topic accounts --lists-topic lists --controls-topic controls

The same numbers give the same events. Record timestamps are event times: a topic whose retention
is shorter than the age of --start drops them soon; --now avoids that.";

/// Arguments of `generate`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES, group = clap::ArgGroup::new("to").required(true))]
pub struct Args {
    /// Accounts of the town.
    #[arg(long, default_value_t = 10_000)]
    accounts: u64,
    /// Events to generate; 0 for no end, but not into a file.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Everything follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Time of the first event, RFC 3339 [default: 2026-03-02T08:00:00+08:00].
    #[arg(long, value_parser = time)]
    start: Option<Millis>,
    /// Everyday payments of one account on one day.
    #[arg(long, default_value_t = 3, value_name = "N")]
    payments_per_day: u32,
    /// Planted patterns in a million everyday payments.
    #[arg(long, default_value_t = 400, value_name = "N")]
    planted: u32,
    /// Honest look-alikes in a million everyday payments.
    #[arg(long, default_value_t = 200, value_name = "N")]
    hard_negatives: u32,
    /// Payment records in a thousand that arrive up to two minutes late.
    #[arg(long, default_value_t = 5, value_name = "N")]
    late: u32,
    /// Finished payment records in a million that arrive twice.
    #[arg(long, default_value_t = 50, value_name = "N")]
    repeated: u32,
    /// Events a second; as fast as possible when absent.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// File of JSON lines to write; .zst and .gz compress, - is the standard output.
    #[arg(long, group = "to", value_name = "FILE")]
    out: Option<PathBuf>,
    /// CSV to write: event_id, pattern, kind of every planted event.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Kafka brokers to send to.
    #[arg(long, group = "to", value_name = "HOST:PORT", requires = "topic")]
    brokers: Option<String>,
    /// Topic for payments, and for all else that has no topic of its own.
    #[arg(long, requires = "brokers", conflicts_with = "out")]
    topic: Option<String>,
    /// Topic for account events.
    #[arg(long, requires = "brokers", conflicts_with = "out", value_name = "TOPIC")]
    accounts_topic: Option<String>,
    /// Topic for list entries.
    #[arg(long, requires = "brokers", conflicts_with = "out", value_name = "TOPIC")]
    lists_topic: Option<String>,
    /// Topic for controls.
    #[arg(long, requires = "brokers", conflicts_with = "out", value_name = "TOPIC")]
    controls_topic: Option<String>,
    /// A property of librdkafka; may be repeated.
    #[arg(long, requires = "brokers", conflicts_with = "out")]
    #[arg(value_name = "KEY=VALUE", value_parser = property)]
    property: Vec<(String, String)>,
    /// File with the current OAUTHBEARER token; read again before each expires.
    #[arg(long, requires = "brokers", conflicts_with = "out", value_name = "FILE")]
    oauth_token_file: Option<PathBuf>,
    /// Begin now, and send each event when its time comes.
    #[arg(long, requires = "brokers", conflicts_with_all = ["out", "start", "rate"])]
    now: bool,
}

impl Args {
    fn is_to_standard_output(&self) -> bool {
        self.out.as_ref().is_some_and(|out| out.as_os_str() == "-")
    }
}

fn time(text: &str) -> Result<Millis, String> {
    let time: jiff::Timestamp =
        text.parse().map_err(|error| format!("{error}; example: 2026-03-02T08:00:00+08:00"))?;
    Ok(time.as_millisecond())
}

fn property(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("not KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    match generate(args, printer) {
        // A reader that went away (`| head`) is not an error of ours.
        Err(Failure::Failed(error)) if args.is_to_standard_output() && is_broken_pipe(&error) => {
            Ok(())
        }
        outcome => outcome,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn generate(args: &Args, printer: &Printer) -> Result<(), Failure> {
    let usage = |text: String| Failure::Usage(anyhow::Error::msg(text));
    if args.events == 0 && args.out.is_some() && !args.is_to_standard_output() {
        return Err(usage("A file needs an end: give --events.".to_owned()));
    }
    let wall_ms = jiff::Timestamp::now().as_millisecond();
    let start_ms = if args.now { wall_ms } else { args.start.unwrap_or(START_MS) };
    if args.brokers.is_some() && wall_ms - start_ms > 7 * DAY {
        printer.warn("Events begin more than seven days ago: check the topic's retention.");
    }
    let mut generator = Generator::new(GenerateConfig {
        start_ms,
        payments_per_account_day: args.payments_per_day,
        planted_per_million: args.planted,
        hard_negatives_per_million: args.hard_negatives,
        late_per_thousand: args.late,
        repeated_per_million: args.repeated,
        step_events: if args.now { 64 } else { 4_096 },
        ..GenerateConfig::new(args.accounts, args.events, args.seed)
    })
    .map_err(|error| Failure::Usage(error.into()))?;
    let mut out = Out::open(args)?;
    let mut labels = match &args.labels {
        Some(path) => {
            let file = File::create(path).with_context(|| path.display().to_string())?;
            Some(LabelWriter::new(BufWriter::new(file))?)
        }
        None => None,
    };
    let truth = generator.truth();
    let bar = progress(args.events, printer);
    let began = Instant::now();
    let mut step = Step::default();
    let mut sent = 0;
    while generator.next(&mut step)? != Progress::End {
        // A slow rate is kept event by event, so that no burst of a whole step arrives at once.
        for event in &step.batch.events {
            wait(args, event, began, sent, &out)?;
            out.write(&step, event)?;
            sent += 1;
        }
        bar.inc(step.batch.events.len() as u64);
        for label in truth.take_labels() {
            if let Some(labels) = &mut labels {
                labels.append(&label)?;
            }
        }
        step.clear();
    }
    out.finish()?;
    if let Some(labels) = &mut labels {
        labels.flush()?;
    }
    bar.finish_and_clear();
    summarise(sent, began.elapsed(), &truth, printer);
    Ok(())
}

/// Waits until the event may go.
fn wait(args: &Args, event: &Event, began: Instant, sent: u64, out: &Out) -> Result<(), Failure> {
    let wait = if args.now {
        let ahead = event.record_time_ms - jiff::Timestamp::now().as_millisecond();
        Duration::from_millis(ahead.max(0) as u64)
    } else if let Some(rate) = args.rate {
        Duration::from_secs_f64(sent as f64 / rate as f64).saturating_sub(began.elapsed())
    } else {
        return Ok(());
    };
    // Sleep in slices, so that a broker's refusal is heard soon.
    let until = Instant::now() + wait;
    while let Some(left) = until.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
        out.poll()?;
        std::thread::sleep(left.min(Duration::from_millis(200)));
    }
    Ok(())
}

/// Where records go.
struct Out<'a> {
    args: &'a Args,
    kind: OutKind,
    line: Vec<u8>,
}

enum OutKind {
    File(LineFile),
    Kafka(Feed),
}

impl<'a> Out<'a> {
    fn open(args: &'a Args) -> Result<Self, Failure> {
        let kind = if let Some(path) = &args.out {
            let file = if args.is_to_standard_output() {
                LineFile::standard_output()
            } else {
                LineFile::create(path)
            };
            OutKind::File(file.with_context(|| path.display().to_string())?)
        } else {
            let topics =
                [&args.topic, &args.accounts_topic, &args.lists_topic, &args.controls_topic];
            let topics: Vec<&str> = topics.into_iter().flatten().map(String::as_str).collect();
            if let Some(path) = &args.oauth_token_file {
                let place = || format!("--oauth-token-file {}", path.display());
                read_token(path).with_context(place).map_err(Failure::Usage)?;
            }
            let settings = KafkaSettings {
                brokers: args.brokers.clone().unwrap_or_default(),
                oauth_token_file: args.oauth_token_file.clone(),
                properties: args.property.iter().cloned().collect(),
                ..KafkaSettings::default()
            };
            let feed = Feed::new(&settings, &topics).map_err(|error| match error {
                FeedError::Client(_) => Failure::Usage(error.into()),
                error => Failure::Failed(error.into()),
            })?;
            OutKind::Kafka(feed)
        };
        Ok(Self { args, kind, line: Vec::new() })
    }

    fn write(&mut self, step: &Step, event: &Event) -> Result<(), Failure> {
        self.line.clear();
        json::write_line(&mut self.line, &step.batch, event)?;
        match &mut self.kind {
            OutKind::File(file) => file.write(&self.line)?,
            OutKind::Kafka(feed) => {
                let own = match &event.body {
                    Body::Account(_) => &self.args.accounts_topic,
                    Body::List(_) => &self.args.lists_topic,
                    Body::Control(_) => &self.args.controls_topic,
                    Body::Payment(_) | Body::Registry(_) | Body::Feedback(_) | Body::Tick => &None,
                };
                let topic = own.as_ref().or(self.args.topic.as_ref());
                let body = self.line.trim_ascii_end();
                let key = json::key(&step.batch, event);
                feed.send(topic.map_or("", String::as_str), key, body, event.record_time_ms)?;
            }
        }
        Ok(())
    }

    fn poll(&self) -> Result<(), Failure> {
        match &self.kind {
            OutKind::File(_) => Ok(()),
            OutKind::Kafka(feed) => Ok(feed.poll()?),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self.kind {
            OutKind::File(file) => Ok(file.finish()?),
            OutKind::Kafka(feed) => Ok(feed.flush()?),
        }
    }
}

fn progress(events: u64, printer: &Printer) -> ProgressBar {
    if printer.is_quiet() {
        return ProgressBar::hidden();
    }
    let (bar, template) = if events == 0 {
        (ProgressBar::new_spinner(), "{spinner} {human_pos} events, {per_sec}")
    } else {
        (ProgressBar::new(events), "{bar:30} {human_pos}/{human_len} events, {per_sec}, {eta} left")
    };
    // The templates are constants that indicatif accepts; its default would do as well.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn summarise(sent: u64, took: Duration, truth: &Truth, printer: &Printer) {
    let list = |counts: Vec<(&str, u64)>| {
        counts.iter().map(|(word, n)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
    };
    printer.talk(&format!("Wrote {sent} events in {:.1} s.", took.as_secs_f64()));
    let list = |counts| Some(list(counts)).filter(|text| !text.is_empty());
    let nothing = || "none".to_owned();
    let planted = truth.planted().into_iter().map(|(kind, n)| (kind.word(), n)).collect();
    printer.talk(&format!("Planted: {}.", list(planted).unwrap_or_else(nothing)));
    let innocent = truth.hard_negatives().into_iter().map(|(kind, n)| (kind.word(), n)).collect();
    printer.talk(&format!("Honest look-alikes: {}.", list(innocent).unwrap_or_else(nothing)));
}
