//! `goshawk rules …`: everything about a pack that can be said without events of your own.

mod check;
mod cut;
mod data;
mod defects;
mod diff;
mod explain;
mod fmt;
mod lint;
mod list;
mod new;
mod run_examples;
pub(super) mod table;
mod test;
mod why;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::Failure;
use super::printer::{Format, Printer};
use crate::runtime::pack::{self, Folders, PackError};

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
    #[command(after_help = "Examples:
  goshawk rules check                            the shipped pack
  goshawk rules check --rules rules              a pack of your own
  goshawk rules check --overlay ours             the shipped pack with your changes
  goshawk rules check --rules rules --format json   for an editor or a build server

Exit codes: 0 good, 1 defects, 2 there is no such pack.")]
    Check(CheckArgs),
    /// Run the examples beside the rules through the engine: expected against seen.
    #[command(after_help = "Examples:
  goshawk rules test                             every example of the shipped pack
  goshawk rules test M02 --rules rules           those of one rule, of a pack of your own
  goshawk rules test --format junit > rules.xml  for a build server")]
    Test(TestArgs),
    /// Remark on what compiles and is hardly meant: thresholds out of reach, edges without an
    /// example, weights that never count …
    #[command(after_help = "Examples:
  goshawk rules lint --rules rules               remarks on a pack of your own
  goshawk rules lint --list                      what is looked for")]
    Lint(LintArgs),
    /// List the rules of a pack.
    #[command(after_help = "Examples:
  goshawk rules list                             a table of the shipped rules
  goshawk rules list --rules rules --format json every rule with its version, mode and guards")]
    List(ListArgs),
    /// Begin a rule: a file that compiles, with examples, in shadow mode.
    #[command(after_help = "Examples:
  goshawk rules new X01 night_sweep --folder rules/own --rules rules
  goshawk rules new X02 round_top_up --family behaviour")]
    New(NewArgs),
    /// Write rule files in the usual form; comments stay.
    #[command(after_help = "Examples:
  goshawk rules fmt rules                        all files below a folder
  goshawk rules fmt --check rules/own            for a build server: changes nothing, exits 1")]
    Fmt(FmtArgs),
    /// Explain a rule in its author's words, a guard, or a field or function of the language.
    #[command(after_help = "Examples:
  goshawk rules explain M02                      one rule
  goshawk rules explain M02 --plan               and what the engine makes of it
  goshawk rules explain G1                       one guard
  goshawk rules explain payer.debits             one function of the language")]
    Explain(ExplainArgs),
    /// Explain an alert: each condition of each rule, with its value and its threshold.
    #[command(after_help = "Examples:
  goshawk rules why alert.json                   one alert
  goshawk rules why .goshawk/demo/alerts.jsonl --id 3f2a --lang zh
  tail -n 1 alerts.jsonl | goshawk rules why -   from the standard input")]
    Why(WhyArgs),
    /// Compare two packs: rules, parameters, weights, modes, conditions, policy.
    #[command(after_help = "Examples:
  goshawk rules diff shipped rules               what your pack does differently
  goshawk rules diff old new --format csv        for a change record")]
    Diff(DiffArgs),
}

/// Which pack.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct PackArgs {
    /// Folder of the pack; the shipped one when absent.
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Folder of an overlay: your own changes to the pack, with a manifest. May be given again.
    #[arg(long, value_name = "DIR")]
    overlay: Vec<PathBuf>,
}

impl PackArgs {
    pub(super) fn folders(&self) -> Folders<'_> {
        Folders { rules: self.rules.as_deref(), overlays: &self.overlay }
    }
}

#[derive(clap::Args, Debug)]
struct CheckArgs {
    #[command(flatten)]
    pack: PackArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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

#[derive(clap::Args, Debug)]
struct NewArgs {
    /// Its id, as X01.
    id: String,
    /// Its name, as salary_sweep.
    name: String,
    /// Folder for the file.
    #[arg(long, value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Its family.
    #[arg(long, default_value = "flow")]
    family: String,
    #[command(flatten)]
    pack: PackArgs,
}

#[derive(clap::Args, Debug)]
struct FmtArgs {
    /// Files, or folders with all files below them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Write nothing; fail where something would change.
    #[arg(long)]
    check: bool,
}

#[derive(clap::Args, Debug)]
struct ExplainArgs {
    /// A rule (M02), a guard (G1), a field or function (payer.debits, has).
    what: String,
    /// Of a rule also what the engine evaluates: values, what they cost and who shares them.
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    pack: PackArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(clap::Args, Debug)]
struct WhyArgs {
    /// The alert as JSON: a file, or - for the standard input; several lines may stand in it.
    alert: PathBuf,
    /// Which of several alerts, by the beginning of its id; of its revisions the last is taken.
    #[arg(long)]
    id: Option<String>,
    /// The language of the words.
    #[arg(long, value_enum, default_value_t)]
    lang: why::Lang,
    #[command(flatten)]
    pack: PackArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(clap::Args, Debug)]
struct DiffArgs {
    /// Folder of the pack before, or `shipped`.
    before: PathBuf,
    /// Folder of the pack after, or `shipped`.
    after: PathBuf,
    /// Folder of an overlay on the pack after. May be given again.
    #[arg(long, value_name = "DIR")]
    overlay: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    match &args.command {
        Command::Check(args) => check::run(args, printer),
        Command::Test(args) => test::run(args, printer),
        Command::Lint(args) => lint::run(args, printer),
        Command::List(args) => list::run(args, printer),
        Command::New(args) => new::run(args, printer),
        Command::Fmt(args) => fmt::run(args, printer),
        Command::Explain(args) => explain::run(args, printer),
        Command::Why(args) => why::run(args, printer),
        Command::Diff(args) => diff::run(args, printer),
    }
}

/// Reads and compiles; defects are drawn and end the command with exit code 1.
fn load(
    args: &PackArgs,
    printer: &Printer,
) -> Result<(Vec<crate::rules::SourceFile>, crate::rules::plan::Plan), Failure> {
    let compiled = args.folders().files().and_then(|files| {
        let plan = pack::compile(files.clone())?;
        Ok((files, plan))
    });
    compiled.map_err(|error| tell(error, printer))
}

/// Draws what is wrong with a pack: defects end the command with exit code 1, a pack that is not
/// there with 2.
fn tell(error: PackError, printer: &Printer) -> Failure {
    match error {
        PackError::Wrong { found: defects, files } => {
            printer.warn(&format!(
                "The rule pack has {} and is not usable.\n\n{}",
                count(defects.len(), "defect"),
                render(&defects, &files)
            ));
            Failure::Silent
        }
        error @ PackError::Compiler => Failure::Failed(error.into()),
        error => Failure::Usage(error.into()),
    }
}

/// The files of a folder, or the shipped ones, whether they compile or not.
fn load_files(
    folder: &std::path::Path,
    overlays: &[PathBuf],
    printer: &Printer,
) -> Result<Vec<crate::rules::SourceFile>, Failure> {
    let rules = (folder != std::path::Path::new("shipped")).then_some(folder);
    Folders { rules, overlays }.files().map_err(|error| tell(error, printer))
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
