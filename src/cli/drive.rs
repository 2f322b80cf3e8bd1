//! What `demo` and `backtest` share: writing alerts, showing progress.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::printer::Printer;
use crate::backtest::drive::{Observer, ObserverError};
use crate::backtest::tally::Tally;
use crate::engine::StepOutput;
use crate::model::alert::AlertKind;
use crate::sink::{Message, Stream};
use crate::source::Step;
use crate::wire::encode::{Encoder, WallTimes};

/// Set by the first interrupt: the drive ends after its step and still reports.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Lets an interrupt end the drive instead of the process.
pub(super) fn end_on_interrupt() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                INTERRUPTED.store(true, Ordering::Relaxed);
            }
        });
    })?;
    Ok(())
}

/// Writes alerts and rejects away and shows how far it is.
pub(super) struct Writer<'a> {
    pub printer: &'a Printer,
    pub encoder: Encoder,
    pub alerts: Option<BufWriter<File>>,
    pub rejects: Option<BufWriter<File>>,
    pub progress: ProgressBar,
    /// Alerts are also told to the user as they come, at most this many.
    pub told_max: u64,
    /// Events a second, at most.
    pub rate: Option<u64>,
    pub until: Option<Instant>,
    pub began: Instant,
}

impl Writer<'_> {
    /// A progress bar over a known or unknown number of events.
    pub fn progress(printer: &Printer, events: Option<u64>) -> ProgressBar {
        if printer.is_quiet() {
            return ProgressBar::hidden();
        }
        let (bar, template) = match events {
            Some(events) => {
                (ProgressBar::new(events), "{bar:30} {human_pos}/{human_len} {per_sec} eta {eta}")
            }
            None => (ProgressBar::new_spinner(), "{spinner} {human_pos} events {per_sec}"),
        };
        // The templates are constants that indicatif accepts; its default would do as well.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }

    fn pace(&self, events: u64) {
        if let Some(rate) = self.rate.filter(|rate| *rate > 0) {
            let due = Duration::from_secs_f64(events as f64 / rate as f64);
            std::thread::sleep(due.saturating_sub(self.began.elapsed()));
        }
    }
}

/// Creates a file to write lines to.
pub(super) fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(BufWriter::new(file))
}

/// Opens a JSON-lines file of alerts with wall-clock headers left out: the same run gives the same
/// bytes.
fn write_line(out: &mut BufWriter<File>, message: &Message) -> std::io::Result<()> {
    out.write_all(&message.body)?;
    out.write_all(b"\n")
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Observer for Writer<'_> {
    fn step(
        &mut self,
        step: &Step,
        output: &StepOutput,
        tally: &Tally,
    ) -> Result<bool, ObserverError> {
        let now_ms = now_ms();
        let wall = WallTimes { ingested_ms: now_ms, detected_ms: now_ms, published_ms: now_ms };
        for alert in &output.alerts {
            let message = self.encoder.alert(alert, &wall);
            if let Some(out) = self.alerts.as_mut().filter(|_| message.stream == Stream::Alerts) {
                write_line(out, &message)?;
            }
            if alert.kind != AlertKind::Update && self.told_max > 0 && !alert.shadow {
                self.told_max -= 1;
                let rules: Vec<_> = alert.reasons.iter().map(|r| r.rule_id.as_str()).collect();
                let reason = alert.reasons.first().map_or("", |r| r.text.en.as_str());
                let account = self.encoder.mask().display(&alert.target.account);
                let line = format!(
                    "{:<8} {:<13} {:<7} {:<20} score {:>3}  {:<12} {}",
                    alert.kind.word(),
                    alert.action.word(),
                    alert.target.kind.word(),
                    account.as_deref().unwrap_or("-"),
                    alert.score,
                    rules.join("+"),
                    reason
                );
                if self.progress.is_hidden() {
                    self.printer.talk(&line);
                } else {
                    self.progress.println(&line);
                }
                if self.told_max == 0 {
                    self.progress.println("(further alerts are only written to the file)");
                }
            }
        }
        if let Some(out) = &mut self.rejects {
            for rejected in &step.rejected {
                let reject = &rejected.reject;
                let line = serde_json::json!({
                    "reason": reject.reason.word(),
                    "detail": reject.detail,
                    "offset": reject.position.offset,
                    "record": String::from_utf8_lossy(&rejected.bytes),
                });
                writeln!(out, "{line}")?;
            }
            for reject in &output.rejects {
                let line = serde_json::json!({
                    "reason": reject.reason.word(),
                    "detail": reject.detail,
                    "offset": reject.position.offset,
                });
                writeln!(out, "{line}")?;
            }
        }
        self.progress.set_position(tally.events);
        self.pace(tally.events);
        let expired = self.until.is_some_and(|until| Instant::now() >= until);
        Ok(!expired && !INTERRUPTED.load(Ordering::Relaxed))
    }
}
