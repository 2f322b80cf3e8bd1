//! `goshawk backtest FILE`: a file through the same engine, as fast as it can.
//!
//! - [`sweep`]: one parameter over a range, as packs
//! - [`print`]: what a comparison and a sweep print

mod print;
mod sweep;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, anyhow};

use super::drive::{Told, Writer, create, end_on_interrupt};
use super::figures::print_report;
use super::printer::{Format, Printer};
use super::rules::PackArgs;
use super::{Failure, load_pack};
use crate::backtest::drive::{Drive, Lane};
use crate::backtest::page::{self, Content};
use crate::backtest::sweep::Sweep;
use crate::backtest::truth::Truth;
use crate::engine::EngineConfig;
use crate::engine::contrast::Contrast;
use crate::limits;
use crate::model::time::{DAY, Millis};
use crate::rules::plan::Plan;
use crate::runtime::fork::Pool;
use crate::runtime::key::load_key;
use crate::runtime::pack::Folders;
use crate::source::file::{self, Columns};
use crate::wire::decode::{DecodeConfig, Decoder};
use crate::wire::encode::findings::FindingRows;
use crate::wire::encode::privacy::Privacy;
use crate::wire::encode::{EncodeConfig, Encoder, PackName};

/// Arguments of `backtest`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  goshawk backtest payments.jsonl.zst
  goshawk backtest transactions.csv.zst --columns amlsim --format json
  goshawk backtest payments.csv --columns ours.toml --rules rules --alerts alerts.jsonl
  goshawk backtest payments.jsonl.zst --rules rules --against rules.old
  goshawk backtest payments.jsonl.zst --sweep M01.min_in=2000..20000/10 --format csv
  goshawk backtest payments.jsonl.zst --against shipped --rules rules --report change.html")]
pub struct Args {
    /// JSON lines (.jsonl, .ndjson, .json) or CSV (.csv), plain, .gz or .zst; .parquet if built in.
    file: PathBuf,
    /// Column mapping of a CSV or of Parquet: a TOML file, or the name of a shipped one (amlsim).
    #[arg(long)]
    columns: Option<String>,
    #[command(flatten)]
    pack: PackArgs,
    /// Compare with this pack, the one before a change: a folder, or `shipped`.
    #[arg(long, value_name = "PACK")]
    against: Option<PathBuf>,
    /// Folder of an overlay of that pack. May be given again.
    #[arg(long, value_name = "DIR", requires = "against")]
    against_overlay: Vec<PathBuf>,
    /// Set one parameter of a rule to values of a range, ends included, 10 unless said. Every value
    /// is a pack with an engine of its own: memory grows with them.
    #[arg(long, value_name = "RULE.PARAMETER=FROM..TO[/VALUES]", conflicts_with = "against")]
    sweep: Option<sweep::Spec>,
    /// Also draw everything as one page that opens without a network.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Labels as CSV: event_id,pattern,kind.
    #[arg(long)]
    labels: Option<PathBuf>,
    /// Write alerts of live rules here, a JSON line each: what `run` publishes as alerts.
    #[arg(long)]
    alerts: Option<PathBuf>,
    /// Write alerts of shadow rules here: what `run` publishes to the shadow topic.
    #[arg(long, value_name = "FILE")]
    shadow_alerts: Option<PathBuf>,
    /// Write rejected records here, a JSON line each.
    #[arg(long)]
    rejects: Option<PathBuf>,
    /// Write findings here as CSV: what each rule saw at each event it fired at, before episodes
    /// make alerts of it. Rules of mode shadow and signal included.
    #[arg(long, value_name = "FILE.csv")]
    findings: Option<PathBuf>,
    /// Tenant: part of every alert's id.
    #[arg(long, default_value = "backtest")]
    tenant: String,
    /// Key file of the account tokens; without it alerts are written in clear.
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// A row that lies further than this after every payment before it is rejected as from the
    /// future: one wrong year would make all later rows too late. `off`: no bound.
    #[arg(long, value_name = "DURATION", default_value = "400d", value_parser = jump)]
    max_jump: Jump,
    /// Threads of the engine.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    let plan = Arc::new(load_pack(&args.pack.folders(), printer)?);
    let before =
        args.against.as_deref().map(|pack| load_against(pack, args, printer)).transpose()?;
    let sweep = args.sweep.as_ref();
    let sweep = sweep.map(|spec| sweep::packs(spec, &args.pack.folders(), printer)).transpose()?;
    let columns = args.columns.as_deref().map(load_columns).transpose()?;
    let labels = args.labels.as_deref().map(file::read_labels).transpose();
    let labels = labels.map_err(|error| Failure::Usage(error.into()))?;
    let decode = DecodeConfig { zone: super::default_zone()?, skew_ms: limits::SKEW_DEFAULT };
    let decoder = Decoder::new(decode).with_max_jump(args.max_jump.0);
    let mut source = file::open_with(&args.file, columns.as_ref(), decoder)
        .map_err(|error| Failure::Usage(error.into()))?;
    let privacy = match &args.key_file {
        Some(path) => load_key(path).map_err(|error| Failure::Usage(anyhow!(error)))?.masked(None),
        None => Privacy::Clear,
    };
    let encoder = Encoder::new(EncodeConfig {
        tenant: args.tenant.clone(),
        instance: "backtest".to_owned(),
        source_system: "goshawk".to_owned(),
        topics: source.topics().to_vec(),
        privacy,
        pack: PackName::of(&plan),
        zone: super::default_zone()?,
    });
    let config = EngineConfig {
        threads: usize::from(args.threads),
        ..EngineConfig::for_tenant(&args.tenant)
    };
    let lane = |plan: &Plan| Lane::new(config.clone(), Arc::new(plan.clone()));
    let mut lanes = vec![Lane::new(config.clone(), Arc::clone(&plan))];
    lanes.extend(before.iter().chain(sweep.iter().flat_map(|sweep| &sweep.plans)).map(lane));
    let mask = encoder.mask().clone();
    let pool = Pool::new(usize::from(args.threads))?;
    end_on_interrupt()?;
    let mut writer = Writer {
        printer,
        encoder,
        plan,
        alerts: args.alerts.as_deref().map(create).transpose()?,
        shadow: args.shadow_alerts.as_deref().map(create).transpose()?,
        rejects: args.rejects.as_deref().map(create).transpose()?,
        findings: args
            .findings
            .as_deref()
            .map(create)
            .transpose()?
            .map(FindingRows::new)
            .transpose()
            .context("cannot write findings")?,
        journal: None,
        number: 1,
        progress: Writer::progress(printer, None),
        told: Told::at_most(0),
        rate: None,
        until: None,
        began: Instant::now(),
    };
    let labelled = labels.as_ref().map_or(0, |labels| labels.len());
    let truth = Truth::new(labels);
    let mut drive = Drive::new(lanes, truth);
    let after = drive.lanes[0].engine.plan();
    drive.contrast = before.as_ref().map(|before| Contrast::new(before, after));
    drive.run(&mut *source, &pool, &mut writer)?;
    writer.finish()?;
    let report = drive.report(&drive.lanes[0]);
    if labelled > 0 && report.labels.as_ref().is_none_or(|found| found.accounts_planted == 0) {
        printer.warn(&format!(
            "None of the {labelled} labels is about an event of this file: they are compared by \
             event_id. Are they those of another file? Precision and recall say nothing here."
        ));
    }
    let against = before.map(|_| drive.compare(&drive.lanes[1], &drive.lanes[0], &mask));
    let sweep = sweep.map(|packs| Sweep::new(&drive, &packs.parameter, &packs.settings));
    if let Some(path) = &args.report {
        let name = args.file.file_name().unwrap_or(args.file.as_os_str()).to_string_lossy();
        let (against, sweep) = (against.as_ref(), sweep.as_ref());
        let page = page::draw(&Content { name: &name, report: &report, against, sweep });
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match (&against, &sweep) {
        (Some(against), _) => print::comparison(&report, against, args.format, printer)?,
        (None, Some(sweep)) => print::sweep(&report, sweep, args.format, printer)?,
        (None, None) => print_report(&report, args.format, printer)?,
    }
    Ok(())
}

/// A bound, or none.
#[derive(Clone, Copy, Debug)]
struct Jump(Option<Millis>);

fn jump(text: &str) -> Result<Jump, String> {
    if text == "off" {
        return Ok(Jump(None));
    }
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok());
    let max_ms = match days {
        Some(days) => i64::from(days) * DAY,
        None => {
            i64::try_from(super::parse_duration(text)?.as_millis()).map_err(|e| e.to_string())?
        }
    };
    Ok(Jump(Some(max_ms)))
}

fn load_against(pack: &Path, args: &Args, printer: &Printer) -> Result<Plan, Failure> {
    let rules = (pack != Path::new("shipped")).then_some(pack);
    load_pack(&Folders { rules, overlays: &args.against_overlay }, printer)
}

fn load_columns(name: &str) -> Result<Columns, Failure> {
    if let Some(columns) = Columns::builtin(name) {
        return Ok(columns);
    }
    let text = std::fs::read_to_string(name)
        .with_context(|| format!("cannot read column mapping {name}"))
        .map_err(Failure::Usage)?;
    Columns::load(&text, name).map_err(|error| Failure::Usage(error.into()))
}
