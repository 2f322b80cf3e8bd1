//! What `demo` and `backtest` share: writing results, showing progress.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};

use super::printer::Printer;
use crate::backtest::drive::{Observer, ObserverError};
use crate::backtest::tally::Tally;
use crate::engine::StepOutput;
use crate::model::alert::{Alert, AlertKind};
use crate::rules::plan::Plan;
use crate::runtime::pipeline;
use crate::sink::{Message, Stream};
use crate::source::Step;
use crate::wire::encode::findings::FindingRows;
use crate::wire::encode::{Encoder, WallTimes};
use crate::wire::journal;

/// Set by the first interrupt: the drive ends after its step and still reports.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How long a wait may last until the end asked for is looked at again.
const SLICE: Duration = Duration::from_millis(50);

/// Lets an interrupt end the drive instead of the process.
pub(super) fn end_on_interrupt() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    // Listened for from here on, not from whenever the thread has begun.
    let mut interrupt = {
        let _inside = runtime.enter();
        signal(SignalKind::interrupt())?
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if runtime.block_on(interrupt.recv()).is_some() {
            INTERRUPTED.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(())
}

/// Whether nobody has interrupted.
pub(super) fn go_on() -> bool {
    !INTERRUPTED.load(Ordering::Relaxed)
}

/// Writes alerts and rejects away and shows how far it is.
pub(super) struct Writer<'a> {
    pub printer: &'a Printer,
    pub encoder: Encoder,
    /// The rules whose results it sees.
    pub plan: Arc<Plan>,
    pub alerts: Option<BufWriter<File>>,
    /// Alerts of shadow rules, which `run` publishes to a topic of their own.
    pub shadow: Option<BufWriter<File>>,
    pub rejects: Option<BufWriter<File>>,
    pub findings: Option<FindingRows<BufWriter<File>>>,
    /// Where the journal goes, and the topics that it names.
    pub journal: Option<(BufWriter<File>, Vec<String>)>,
    /// Number of the next step.
    pub number: u64,
    pub progress: ProgressBar,
    /// Alerts are also told to the user as they come.
    pub told: Told,
    /// Events a second, at most; never 0.
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

    /// Ends the files: what is buffered is on its way only now, and may still meet a full disk.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        let held_back = self.told.end();
        self.tell_held_back(held_back);
        self.progress.finish_and_clear();
        if let Some((mut out, _)) = self.journal.take() {
            out.flush().context("cannot write the journal")?;
        }
        let files = [
            (&mut self.alerts, "alerts"),
            (&mut self.shadow, "shadow alerts"),
            (&mut self.rejects, "rejects"),
        ];
        for (out, what) in files {
            if let Some(mut out) = out.take() {
                out.flush().with_context(|| format!("cannot write {what}"))?;
            }
        }
        if let Some(mut rows) = self.findings.take() {
            rows.flush().context("cannot write findings")?;
        }
        Ok(())
    }

    /// Waits until this many events are due, or the drive is to end.
    fn pace(&self, events: u64) {
        let Some(rate) = self.rate else { return };
        let due = Duration::from_secs_f64(events as f64 / rate as f64);
        while !self.is_over() {
            let left = due.saturating_sub(self.began.elapsed());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }

    fn is_over(&self) -> bool {
        let expired = self.until.is_some_and(|until| Instant::now() >= until);
        expired || INTERRUPTED.load(Ordering::Relaxed)
    }

    /// A line of talk, above the progress bar if one is drawn.
    fn say(&self, line: &str) {
        if self.progress.is_hidden() {
            self.printer.talk(line);
        } else {
            self.progress.println(line);
        }
    }

    fn tell(&mut self, alert: &Alert) {
        let (may, held_back) = self.told.admit(self.began.elapsed());
        self.tell_held_back(held_back);
        if !may {
            return;
        }
        let rules: Vec<_> = alert.reasons.iter().map(|r| r.rule_id.as_str()).collect();
        let reason = alert.reasons.first().map_or("", |r| r.text.en.as_str());
        let account = self.encoder.mask().display(&alert.target.account);
        self.say(&format!(
            "{:<8} {:<13} {:<7} {:<20} score {:>3}  {:<12} {}",
            alert.kind.word(),
            alert.action.word(),
            alert.target.kind.word(),
            account.as_deref().unwrap_or("-"),
            alert.score,
            rules.join("+"),
            reason
        ));
    }

    fn tell_held_back(&self, alerts: u64) {
        if alerts > 0 {
            self.say(&format!("(and {alerts} more in that second; all of them are in the file)"));
        }
    }
}

/// Which alerts are told as they come: so many a second, for more could not be read.
pub(super) struct Told {
    per_second: u32,
    /// The second of the drive that the counts are of.
    second: u64,
    told: u32,
    held_back: u64,
}

impl Told {
    /// At most this many a second.
    pub fn at_most(per_second: u32) -> Self {
        Self { per_second, second: 0, told: 0, held_back: 0 }
    }

    /// Whether an alert may be told that comes this long after the beginning, and how many of an
    /// earlier second were held back since this was last answered.
    fn admit(&mut self, after: Duration) -> (bool, u64) {
        let mut earlier = 0;
        if after.as_secs() != self.second {
            earlier = self.end();
            (self.second, self.told) = (after.as_secs(), 0);
        }
        if self.told < self.per_second {
            self.told += 1;
            (true, earlier)
        } else {
            // Who is told nothing need not hear that there was more.
            self.held_back += u64::from(self.per_second > 0);
            (false, earlier)
        }
    }

    /// How many were held back and have not been answered.
    fn end(&mut self) -> u64 {
        std::mem::take(&mut self.held_back)
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
            let of_rules_on_trial = message.stream == Stream::Shadow;
            let out = if of_rules_on_trial { &mut self.shadow } else { &mut self.alerts };
            if let Some(out) = out {
                write_line(out, &message)?;
            }
            if alert.kind != AlertKind::Update && !alert.shadow {
                self.tell(alert);
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
        if let Some(rows) = &mut self.findings {
            rows.write(&self.plan, &step.batch, &output.findings, self.encoder.mask())?;
        }
        if let Some((out, topics)) = &mut self.journal {
            // An alert is on its way before the step that has it is said to be done.
            if let Some(alerts) = &mut self.alerts {
                alerts.flush()?;
            }
            let pack = self.encoder.pack_sha256();
            let record = pipeline::record_of(self.number, step, output, topics, pack);
            write_line(out, &journal::message(&record))?;
        }
        self.number += 1;
        self.progress.set_position(tally.events);
        self.pace(tally.events);
        Ok(!self.is_over())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_told_so_many_a_second_and_none_goes_uncounted() {
        let mut told = Told::at_most(2);
        let at = Duration::from_millis;
        let answers = [0, 10, 20, 990, 1_000, 1_500, 1_600, 5_000].map(|ms| told.admit(at(ms)));
        let expected = [
            (true, 0),
            (true, 0),
            (false, 0),
            (false, 0),
            (true, 2),
            (true, 0),
            (false, 0),
            (true, 1),
        ];
        assert_eq!(answers, expected);
        assert_eq!((told.admit(at(5_001)), told.admit(at(5_002))), ((true, 0), (false, 0)));
        assert_eq!((told.end(), told.end()), (1, 0));
        assert_eq!(Told::at_most(0).admit(at(0)), (false, 0));
    }
}
