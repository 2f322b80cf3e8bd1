//! `inspect`: what lies on disk, for people and programs.

mod snapshot;

use std::path::PathBuf;

use clap::Subcommand;

use super::Failure;
use super::printer::{Format, Printer};

const EXAMPLES: &str = "\
Examples:
  goshawk inspect snapshot state/snapshots       what is there, and whether it is whole";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Show the snapshots of a folder: steps, age, sizes, rules.
    Snapshot(SnapshotArgs),
}

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  goshawk inspect snapshot state/snapshots             one line a snapshot, the newest last
  goshawk inspect snapshot state/snapshots --verify    read every byte, check every checksum
  goshawk inspect snapshot state/snapshots --format json";

#[derive(clap::Args, Debug)]
#[command(after_help = SNAPSHOT_EXAMPLES)]
struct SnapshotArgs {
    /// The folder: `snapshots` in the configured `state`, unless it is set.
    folder: PathBuf,
    /// Read every file, check every checksum, decode every part. Exit code 1 if one is damaged.
    #[arg(long)]
    verify: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    match &args.what {
        What::Snapshot(args) => snapshot::run(args, printer),
    }
}
