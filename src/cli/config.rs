//! `goshawk config show|check`, and the arguments every configured command shares.

use std::path::PathBuf;

use anyhow::anyhow;

use super::rules::render;
use super::{Failure, printer::Printer};
use crate::runtime::config::{self, Config, show};
use crate::runtime::error::RunError;
use crate::runtime::pack::PackError;
use crate::runtime::ready;

/// Where the configuration comes from.
#[derive(clap::Args, Clone, Debug)]
pub struct Source {
    /// The configuration file [default: goshawk.toml, if there is one].
    #[arg(long, short, env = "GOSHAWK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// A setting over file and environment, for example kafka.brokers=broker:9092.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

/// Arguments of `config`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  goshawk config show                            every value in force
  goshawk config check --config goshawk.toml     before a deployment")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Print every effective value, defaults included, secrets hidden.
    #[command(after_help = "Examples:
  goshawk config show                            goshawk.toml of this folder, or the defaults
  goshawk config show --config other.toml --set threads=4
  GOSHAWK_KAFKA_BROKERS=kafka-1:9092 goshawk config show")]
    Show(Source),
    /// Tell whether `run` would accept the configuration: values, rules, key, tokens, and the
    /// settings of Kafka clients. Asks no broker and makes nothing.
    #[command(after_help = "Examples:
  goshawk config check                           goshawk.toml of this folder
  goshawk config check --config deploy/goshawk.example.toml

Exit codes: 0 run would start, 2 it would not.")]
    Check(Source),
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    match &args.command {
        Command::Show(source) => {
            printer.data(show::table(&source.read(printer)?).trim_end());
            Ok(())
        }
        Command::Check(source) => {
            let config = source.read_runnable(printer)?;
            let mut problems = ready::problems(&config);
            if problems.len() > 1 {
                problems.iter().for_each(|problem| draw(problem, printer));
                return Err(usage(&problems));
            }
            if let Some(problem) = problems.pop() {
                return Err(failure(problem, printer));
            }
            if let Some(path) = ready::key_to_make(&config) {
                let path = path.display();
                printer
                    .talk(&format!("There is no key file {path} yet: the first start makes it."));
            }
            printer.talk("The configuration is complete and valid. Brokers have not been asked.");
            Ok(())
        }
    }
}

impl Source {
    /// Reads the configuration.
    pub(super) fn read(&self, printer: &Printer) -> Result<Config, Failure> {
        self.read_and_ask(Config::problems, printer)
    }

    /// Reads a configuration that `run` accepts.
    pub(super) fn read_runnable(&self, printer: &Printer) -> Result<Config, Failure> {
        self.read_and_ask(Config::require_runnable, printer)
    }

    fn read_and_ask(
        &self,
        ask: fn(&Config) -> Vec<String>,
        printer: &Printer,
    ) -> Result<Config, Failure> {
        let default = PathBuf::from("goshawk.toml");
        let path = self.config.clone().or_else(|| default.exists().then_some(default));
        let text = path.as_ref().map(std::fs::read_to_string).transpose().map_err(|cause| {
            let path = path.as_deref().unwrap_or(std::path::Path::new(""));
            Failure::Usage(anyhow!("cannot read {}: {cause}", path.display()))
        })?;
        let file = path.as_deref().zip(text.as_deref());
        // Variables that are not UTF-8 cannot be settings.
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let (config, warnings) = config::load(file, environment, &self.settings, ask)
            .map_err(|problems| usage(&problems))?;
        for warning in warnings {
            printer.warn(&warning);
        }
        Ok(config)
    }
}

/// How a run's end is told: configuration that cannot run is wrong usage.
pub(super) fn failure(error: RunError, printer: &Printer) -> Failure {
    draw(&error, printer);
    let configuration = error.is_configuration();
    let error = error.into();
    if configuration { Failure::Usage(error) } else { Failure::Failed(error) }
}

/// Shows what is wrong with rules, place by place.
fn draw(error: &RunError, printer: &Printer) {
    if let RunError::Pack(PackError::Wrong { found, files }) = error {
        printer.talk(&render(found, files));
    }
}

fn usage<P: std::fmt::Display>(problems: &[P]) -> Failure {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failure::Usage(anyhow!("the configuration cannot be used:\n  {}", lines.join("\n  ")))
}
