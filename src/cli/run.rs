//! `goshawk run`: payments from Kafka, alerts to Kafka.

use std::path::PathBuf;

use tracing_subscriber::filter::LevelFilter;

use super::{Failure, config, printer::Printer};
use crate::runtime::config::LogFormat;
use crate::runtime::process;
use crate::telemetry::logs;

const EXAMPLES: &str = "\
Examples:
  With a configuration file:
    goshawk run --config goshawk.toml

  Against another broker, with JSON logs:
    goshawk run --config goshawk.toml --set kafka.brokers=kafka-1:9092,kafka-2:9092 --set log.format=json

A second process with the same group waits and takes over when the first ends or dies. SIGTERM and SIGINT
finish what has been read, commit it and hand over.

Exit codes: 0 stopped when asked, 1 failed, was fenced or lost leadership, 2 wrong usage or configuration.";

/// Arguments of `run`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    source: config::Source,
    /// Write findings here as CSV, before episodes make alerts of them; over the key `findings`.
    #[arg(long, value_name = "FILE.csv")]
    findings: Option<PathBuf>,
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    let mut config = args.source.read_runnable(printer)?;
    if let Some(path) = &args.findings {
        config.findings = Some(path.clone());
    }
    let format = match config.log.format {
        LogFormat::Text => logs::LogFormat::Text,
        LogFormat::Json => logs::LogFormat::Json,
    };
    let most = if printer.is_quiet() { LevelFilter::WARN } else { LevelFilter::TRACE };
    logs::set_up(&config.log.level, most, format).map_err(|error| Failure::Usage(error.into()))?;
    process::run(&config).map_err(|error| config::failure(error, printer))
}
