//! Words to and from people: arguments, tables, progress, exit codes. Data goes to stdout, talk to
//! stderr, and only [`printer`] prints.
//!
//! Exit codes: 0 done, 1 ran but failed, 2 wrong usage or configuration, 3 some of what was asked
//! for is gone.

mod backtest;
mod completions;
mod config;
mod demo;
mod drive;
mod figures;
mod generate;
mod inspect;
pub mod printer;
mod reconcile;
mod replay;
pub mod rules;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use jiff::tz::TimeZone;

use crate::rules::plan::Plan;
use crate::runtime::pack::{self, PackError};
use printer::Printer;

const EXAMPLES: &str = "\
Examples:
  goshawk demo                                   see what it does; needs nothing
  goshawk backtest payments.jsonl.zst            a file of payments through the rules
  goshawk run --config goshawk.toml              the service: from Kafka, to Kafka

Data goes to the standard output, talk to the standard error.
Exit codes: 0 done, 1 ran but failed, 2 wrong usage or configuration, 3 some of what was asked for is gone
(reconcile and replay).";

/// Scores bank payments against sliding-window anti-fraud rules and asks for stop-payments and
/// freezes.
#[derive(Parser, Debug)]
#[command(name = "goshawk", version, about, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    /// Say less: data, warnings and errors only.
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Generate payments, score them and write alerts, in one process and without a broker.
    Demo(demo::Args),
    /// Score a file of payments as fast as possible and report what the rules found.
    Backtest(backtest::Args),
    /// Score payments from Kafka and publish alerts to Kafka.
    Run(run::Args),
    /// Prove from the topics that every record and every amount ended as exactly one thing.
    Reconcile(reconcile::Args),
    /// Make published alerts again from the journal and compare them, byte for byte.
    Replay(replay::Args),
    /// Generate payments with labelled fraud, into a file or a Kafka topic.
    Generate(Box<generate::Args>),
    /// Check, test and list rule packs.
    Rules(rules::Args),
    /// Show what lies on disk: snapshots.
    Inspect(inspect::Args),
    /// Show or check the configuration.
    Config(config::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

/// Why a command did not end well.
#[derive(Debug)]
pub enum Failure {
    /// Wrong usage or configuration: exit code 2.
    Usage(anyhow::Error),
    /// Ran, but failed: exit code 1.
    Failed(anyhow::Error),
    /// As `Failed`, and everything has been said already.
    Silent,
    /// Ran, and some of what it needed is gone, which has been said already: exit code 3.
    Incomplete,
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors; clap prints each to the right stream.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let printer = Printer::new(cli.quiet);
    let outcome = match cli.command {
        Command::Demo(args) => demo::run(&args, &printer),
        Command::Backtest(args) => backtest::run(&args, &printer),
        Command::Run(args) => run::run(&args, &printer),
        Command::Reconcile(args) => reconcile::run(&args, &printer),
        Command::Replay(args) => replay::run(&args, &printer),
        Command::Generate(args) => generate::run(&args, &printer),
        Command::Rules(args) => rules::run(&args, &printer),
        Command::Inspect(args) => inspect::run(&args, &printer),
        Command::Config(args) => config::run(&args, &printer),
        Command::Completions(args) => completions::run(&args, &printer),
    };
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(error)) => {
            printer.error(&error);
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            printer.error(&error);
            ExitCode::FAILURE
        }
        Err(Failure::Silent) => ExitCode::FAILURE,
        Err(Failure::Incomplete) => ExitCode::from(3),
    };
    end(printer, code)
}

/// Whatever a command says of itself, it has failed when what it printed did not arrive.
fn end(printer: Printer, code: ExitCode) -> ExitCode {
    let quiet = printer.is_quiet();
    let Some(error) = printer.into_refusal() else { return code };
    let error = anyhow::Error::new(error).context("cannot write to the standard output");
    Printer::new(quiet).error(&error);
    if code == ExitCode::SUCCESS { ExitCode::FAILURE } else { code }
}

/// Compiles a rule pack; what is wrong with it has been said on failure.
fn load_pack(folders: &pack::Folders<'_>, printer: &Printer) -> Result<Plan, Failure> {
    usable(folders.load(), printer)
}

/// A pack's files or plan; what is wrong with it has been said on failure.
fn usable<T>(outcome: Result<T, PackError>, printer: &Printer) -> Result<T, Failure> {
    outcome.map_err(|error| {
        if let PackError::Wrong { found, files } = &error {
            printer.wrong(&rules::render(found, files));
        }
        Failure::Usage(error.into())
    })
}

/// The tenant's zone unless configured.
const ZONE: &str = "Asia/Shanghai";

fn default_zone() -> Result<TimeZone, Failure> {
    Ok(TimeZone::get(ZONE)?)
}

/// Reads `90s`, `5m`, `1h 30m`.
fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let span: jiff::SignedDuration =
        text.parse().map_err(|error: jiff::Error| error.to_string())?;
    span.try_into().map_err(|_| "a duration cannot be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn look(command: &mut clap::Command, name: &str, seen: &mut usize) {
        let help = command.render_help().to_string();
        assert!(help.contains("Examples:"), "{name} --help has no examples");
        *seen += 1;
        let subcommands: Vec<String> =
            command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
        // clap's own, which explains the others.
        let subcommands = subcommands.into_iter().filter(|name| name != "help");
        for sub in subcommands {
            let found = command.find_subcommand_mut(&sub).expect("just listed");
            look(found, &format!("{name} {sub}"), seen);
        }
    }

    #[test]
    fn every_help_has_examples_and_the_first_has_the_exit_codes() {
        let mut command = Cli::command();
        let mut seen = 0;
        look(&mut command, "goshawk", &mut seen);
        assert!(seen >= 19, "{seen}");
        assert!(command.render_help().to_string().contains("Exit codes: 0 done, 1 ran but failed"));
    }
}
