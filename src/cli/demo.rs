//! `goshawk demo`: generator, engine and alerts in one process, without a broker.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, anyhow};

use super::drive::{Told, Writer, create, end_on_interrupt};
use super::figures::print_report;
use super::printer::{Format, Printer};
use super::rules::PackArgs;
use super::{Failure, usable};
use crate::backtest::drive::{Drive, Ending, Lane};
use crate::backtest::truth::Truth;
use crate::engine::{Engine, EngineConfig};
use crate::generate::{GenerateConfig, Generator};
use crate::runtime::fork::Pool;
use crate::runtime::key::load_or_create_key;
use crate::runtime::pack;
use crate::runtime::replay::folder::{self, ORIGIN_SCHEMA, Origin};
use crate::source::Source as _;
use crate::wire::encode::{EncodeConfig, Encoder, PackName};

/// Whose payments they are.
const TENANT: &str = "demo";
/// Alerts told as they come, in one second.
const TOLD_PER_SECOND: u32 = 5;
/// Steps in a second when a rate is kept: an event waits for its step's last one, at most so long.
const STEPS_PER_SECOND: u64 = 10;

/// Arguments of `demo`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  goshawk demo                                   a million events, as fast as they go
  goshawk demo --rate 2000 --duration 60s        two thousand a second for a minute
  goshawk demo --events 200000 --format json     figures for a script")]
pub struct Args {
    /// Events to generate; 0 for no end: stop it with Ctrl-C or --duration.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Accounts of the generated town.
    #[arg(long, default_value_t = 100_000)]
    accounts: u64,
    /// Events a second, at most; as fast as possible when absent.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// Everything generated follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after this long, for example 30s or 5m.
    #[arg(long, value_parser = super::parse_duration)]
    duration: Option<std::time::Duration>,
    /// Threads of the engine.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    #[command(flatten)]
    pack: PackArgs,
    /// Folder for alerts, rejects, the journal and the key of the account tokens.
    #[arg(long, default_value = ".goshawk/demo")]
    data_dir: PathBuf,
    /// How the summary is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    let files = usable(args.pack.folders().files(), printer)?;
    let plan = Arc::new(usable(pack::compile(files.clone()), printer)?);
    let mut config = GenerateConfig::new(args.accounts, args.events, args.seed);
    if let Some(rate) = args.rate {
        let events = (rate / STEPS_PER_SECOND).clamp(1, config.step_events as u64);
        config.step_events = events as usize;
    }
    let origin = Origin {
        schema: ORIGIN_SCHEMA.to_owned(),
        tenant: TENANT.to_owned(),
        zone: super::ZONE.to_owned(),
        generator: config.clone(),
    };
    let mut source = Generator::new(config).map_err(|error| Failure::Usage(error.into()))?;
    std::fs::create_dir_all(&args.data_dir)
        .with_context(|| format!("cannot create {}", args.data_dir.display()))?;
    let encoder = encoder(&args.data_dir, &plan, source.topics())?;
    let engine_config =
        EngineConfig { threads: usize::from(args.threads), ..EngineConfig::for_tenant(TENANT) };
    let lane = Lane::new(engine_config, Arc::clone(&plan));
    let pool = Pool::new(usize::from(args.threads))?;
    end_on_interrupt()?;
    let alerts = args.data_dir.join(folder::ALERTS);
    let mut journal = create(&args.data_dir.join(folder::JOURNAL))?;
    for line in folder::head(&origin, &plan, files) {
        journal.write_all(&line).and_then(|()| journal.write_all(b"\n"))?;
    }
    printer.talk(&format!(
        "Scoring {} of {} accounts (seed {}) with rule pack {} ({} rules).",
        if args.events == 0 {
            "generated events without end".to_owned()
        } else {
            format!("{} generated events", args.events)
        },
        args.accounts,
        args.seed,
        plan.pack_id,
        plan.rules.len()
    ));
    printer.talk(&format!("Alerts go to {}.", alerts.display()));
    let began = Instant::now();
    let mut writer = Writer {
        printer,
        encoder,
        plan: Arc::clone(&plan),
        alerts: Some(create(&alerts)?),
        shadow: None,
        rejects: Some(create(&args.data_dir.join("rejects.jsonl"))?),
        findings: None,
        journal: Some((journal, source.topics().to_vec())),
        number: 1,
        progress: Writer::progress(printer, (args.events > 0).then_some(args.events)),
        told: Told::at_most(TOLD_PER_SECOND),
        rate: args.rate,
        until: args.duration.and_then(|duration| began.checked_add(duration)),
        began,
    };
    let truth = Truth::new(Some(std::collections::HashMap::new()));
    let mut drive = Drive::new(vec![lane], truth);
    let ending = drive.run(&mut source, &pool, &mut writer)?;
    let [lane] = &drive.lanes[..] else { unreachable!("one pack was driven") };
    let report = drive.report(lane);
    writer.finish()?;
    if ending == Ending::Stopped {
        printer.talk("Stopped before the end; the figures cover what was done.");
    }
    print_report(&report, args.format, printer)?;
    if let Some(labels) = report.labels.as_ref().filter(|_| args.format == Format::Table) {
        let wrong = report.accounts_alerted.saturating_sub(labels.accounts_found);
        printer.data(&format!(
            "wrong alerts: {wrong} accounts, {:.2} per 10,000 active accounts",
            wrong as f64 * 10_000.0 / report.accounts_active.max(1) as f64
        ));
        print_memory(&lane.engine, printer);
    }
    printer.talk(&format!("Alerts are in {}.", alerts.display()));
    Ok(())
}

fn print_memory(engine: &Engine, printer: &Printer) {
    let memory = engine.memory();
    let entities: usize = memory.entities.iter().sum();
    let each = |bytes: usize, of: usize| bytes as f64 / of.max(1) as f64;
    printer.data(&format!(
        "memory: {:.0} B per entity ({entities}), {:.1} B per live entry ({}), {:.0} B per \
         remembered payment ({}), {:.1} MB of long memory and reference data",
        each(memory.entity_bytes, entities),
        each(memory.entry_bytes, memory.live_entries),
        memory.live_entries,
        each(memory.payment_bytes, memory.payments),
        memory.payments,
        memory.extra_bytes as f64 / 1e6
    ));
}

fn encoder(
    data_dir: &Path,
    plan: &crate::rules::plan::Plan,
    topics: &[String],
) -> Result<Encoder, Failure> {
    let (key, _) = load_or_create_key(&data_dir.join(folder::KEY)).map_err(|e| anyhow!(e))?;
    Ok(Encoder::new(EncodeConfig {
        tenant: TENANT.to_owned(),
        instance: "demo".to_owned(),
        source_system: "goshawk".to_owned(),
        topics: topics.to_vec(),
        privacy: key.masked(None),
        pack: PackName::of(plan),
        zone: super::default_zone()?,
    }))
}
