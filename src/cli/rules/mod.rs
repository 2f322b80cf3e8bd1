//! `goshawk rules …`: everything about a pack that can be said without events of your own.

mod defects;
mod lint;
mod list;
mod run_examples;
mod table;
mod test;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::Failure;
use super::printer::{Format, Printer};
use crate::runtime::pack::{self, PackError};

pub use defects::render;
pub use lint::{remarks, render_remarks};

const EXAMPLES: &str = "\
Examples:
  Check a pack of your own and see every defect at once:
    goshawk rules check --rules ./rules

  Run the examples that stand beside the shipped rules:
    goshawk rules test

  The rules as CSV:
    goshawk rules list --format csv";

/// Arguments of `rules`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Compile a pack and report every defect, with file, line, column, caret and hint.
    Check(PackArgs),
    /// Run the examples beside the rules through the engine: expected against seen.
    Test(TestArgs),
    /// Remark on what compiles and is hardly meant: thresholds out of reach, edges without an
    /// example, weights that never count …
    Lint(LintArgs),
    /// List the rules of a pack.
    List(ListArgs),
}

#[derive(clap::Args, Debug)]
struct PackArgs {
    /// Folder of the pack; the shipped one when absent.
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
struct TestArgs {
    #[command(flatten)]
    pack: PackArgs,
    /// Only examples with this in their name, or in the rule's id or name.
    filter: Option<String>,
    /// Only this rule.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: TestFormat,
}

/// How `rules test` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum TestFormat {
    /// What came out differently, for people.
    #[default]
    Table,
    /// Every example, as a JSON array.
    Json,
    /// Every example, comma-separated, with a header.
    Csv,
    /// Every example, as JUnit XML for build servers.
    Junit,
}

#[derive(clap::Args, Debug)]
struct LintArgs {
    #[command(flatten)]
    pack: PackArgs,
    /// List the sorts of remarks instead.
    #[arg(long)]
    list: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(clap::Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    pack: PackArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    match &args.command {
        Command::Check(args) => check(args, printer),
        Command::Test(args) => test::run(args, printer),
        Command::Lint(args) => lint::run(args, printer),
        Command::List(args) => list::run(args, printer),
    }
}

fn check(args: &PackArgs, printer: &Printer) -> Result<(), Failure> {
    let (_, plan) = load(args, printer)?;
    printer.data(&format!(
        "{} {} is good: {} rules, {} guards, sha256 {}",
        plan.pack_id,
        plan.pack_version,
        plan.rules.len(),
        plan.guards.len(),
        plan.pack_sha256
    ));
    Ok(())
}

/// Reads and compiles; defects are drawn and end the command with exit code 1.
fn load(
    args: &PackArgs,
    printer: &Printer,
) -> Result<(Vec<crate::rules::SourceFile>, crate::rules::plan::Plan), Failure> {
    let files = pack::files(args.rules.as_deref()).map_err(|e| Failure::Usage(e.into()))?;
    match pack::compile(files.clone()) {
        Ok(plan) => Ok((files, plan)),
        Err(PackError::Wrong { found: defects, files }) => {
            printer.warn(&format!(
                "The rule pack has {} and is not usable.\n\n{}",
                count(defects.len(), "defect"),
                render(&defects, &files)
            ));
            Err(Failure::Silent)
        }
        Err(error) => Err(Failure::Failed(error.into())),
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
