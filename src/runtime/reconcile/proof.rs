//! The proof: journal, inputs and outputs held against each other. Pure; whoever reads the topics
//! hands over what they hold, outputs first, then steps with their records.
//!
//! Claimed is what the journal says, found is what the topics hold.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::broken::{Broken, Kind, Stretch};
use super::report::{Line, Report, SeenAlert, SeenReject, Steps};
use super::tally::Tally;
use crate::limits;
use crate::model::money::Money;
use crate::runtime::config::Delivery;
use crate::wire::balance::Balance;
use crate::wire::journal::{JournalRecord, JournalRun, Reconciliation};

/// The proof in progress.
#[derive(Debug)]
pub struct Proof {
    steps: Steps,
    delivery: Delivery,
    report: Report,
    alerts: Alerts,
    /// Alerts of the steps so far: by id and revision, the step and the place.
    seen: BTreeMap<String, BTreeMap<u32, (u64, Stretch)>>,
    /// Offsets of rejected records, by topic and partition, in order; with how many there are.
    rejects: HashMap<(String, i32), BTreeMap<i64, u64>>,
    partitions: BTreeMap<(String, i32), Partition>,
    last_step: Option<u64>,
    /// Whether the journal begins with the first step there was.
    whole: bool,
    tally: Tally,
}

/// Alerts that steps will ask for.
#[derive(Debug, Default)]
struct Alerts {
    /// By step, those that name theirs.
    by_step: HashMap<u64, Vec<SeenAlert>>,
    /// By the record that made them, those that do not.
    by_source: HashMap<(String, i32), BTreeMap<i64, Vec<SeenAlert>>>,
}

#[derive(Debug)]
struct Partition {
    /// Where the last run ended.
    end: i64,
    line: Option<Line>,
    /// Runs whose records have not all been handed over.
    open: VecDeque<Open>,
}

#[derive(Debug)]
struct Open {
    step: u64,
    from: i64,
    to: i64,
    claimed: Option<Balance>,
    found: Balance,
    /// Records that are no events.
    unreadable: Vec<i64>,
}

impl Proof {
    /// A proof of these steps.
    #[must_use]
    pub fn new(steps: Steps, delivery: Delivery) -> Self {
        Self {
            steps,
            delivery,
            report: Report::default(),
            alerts: Alerts::default(),
            seen: BTreeMap::new(),
            rejects: HashMap::new(),
            partitions: BTreeMap::new(),
            last_step: None,
            whole: false,
            tally: Tally::default(),
        }
    }

    /// Takes an alert.
    pub fn alert(&mut self, alert: SeenAlert) {
        match alert.step {
            Some(step) if !self.steps.hold(step) => {}
            Some(step) => self.alerts.by_step.entry(step).or_default().push(alert),
            None => {
                let place = (alert.source.topic.clone(), alert.source.partition);
                let offsets = self.alerts.by_source.entry(place).or_default();
                offsets.entry(alert.source.from).or_default().push(alert);
            }
        }
    }

    /// Takes a reject.
    pub fn reject(&mut self, reject: &SeenReject) {
        let place = (reject.source.topic.clone(), reject.source.partition);
        *self.rejects.entry(place).or_default().entry(reject.source.from).or_default() += 1;
    }

    /// Takes the journal's next step, of those before the proven ones too.
    pub fn step(&mut self, record: &JournalRecord) {
        self.number(record);
        self.tally.add(record);
        let proven = self.steps.hold(record.step);
        for run in &record.runs {
            self.follow(record.step, run, proven);
        }
        if !proven {
            return;
        }
        let steps = self.report.steps.get_or_insert((record.step, record.step));
        steps.1 = record.step;
        self.add_up(record);
        self.alerts_of(record);
    }

    /// Step numbers follow each other.
    fn number(&mut self, record: &JournalRecord) {
        let step = record.step;
        match self.last_step {
            None => self.whole = step == 1,
            Some(last) if step == last + 1 => {}
            Some(last) if step > last => {
                let text = match step - last {
                    2 => format!("step {} is missing from the journal", last + 1),
                    _ => format!("steps {} to {} are missing from the journal", last + 1, step - 1),
                };
                self.tell(step, Kind::Steps, Vec::new(), text);
            }
            Some(last) => {
                let text = format!("step {step} comes after step {last} in the journal");
                self.tell(step, Kind::Steps, stretches(&record.runs), text);
            }
        }
        self.last_step = Some(step);
    }

    /// A run begins where the one before ended.
    fn follow(&mut self, step: u64, run: &JournalRun, proven: bool) {
        let place = (run.topic.clone(), run.partition);
        let stretch =
            |from, to| Stretch { topic: run.topic.clone(), partition: run.partition, from, to };
        let end = self.partitions.get(&place).map(|known| known.end);
        let mut broken = None;
        match end {
            Some(end) if run.from > end => {
                broken = Some((Kind::Gap, stretch(end, run.from), "these offsets are in no step"));
            }
            Some(end) if run.from < end => {
                let twice = stretch(run.from, end.min(run.to));
                broken = Some((Kind::Overlap, twice, "these offsets are in two steps"));
            }
            _ => {}
        }
        if let Some((kind, stretch, text)) = broken {
            self.tell(step, kind, vec![stretch], text.to_owned());
        }
        let partition = self.partitions.entry(place).or_insert_with(|| Partition {
            end: run.to,
            line: None,
            open: VecDeque::new(),
        });
        partition.end = run.to;
        if !proven {
            return;
        }
        let line = partition.line.get_or_insert_with(|| Line {
            stretch: stretch(run.from, run.from),
            claimed: Balance::default(),
            found: Balance::default(),
        });
        line.stretch.to = run.to;
        if let Some(ended) = &run.ended {
            line.claimed.add(ended);
        }
        partition.open.push_back(Open {
            step,
            from: run.from,
            to: run.to,
            claimed: run.ended.clone(),
            found: Balance::default(),
            unreadable: Vec::new(),
        });
    }

    /// A step's figures are those of its runs, and each adds up.
    fn add_up(&mut self, record: &JournalRecord) {
        let mut sum = Balance::default();
        for run in &record.runs {
            let Some(ended) = &run.ended else {
                self.report.steps_uncounted += 1;
                return;
            };
            sum.add(ended);
            let amounts = ended.amounts.iter().find(|(_, amounts)| amounts.difference() != 0);
            let text = match (ended.difference(), amounts) {
                (0, None) => continue,
                (0, Some((code, amounts))) => format!(
                    "{code} consumed less what became of it is {}, in minor units",
                    amounts.difference()
                ),
                (difference, _) => format!("records less what became of them is {difference}"),
            };
            self.tell(record.step, Kind::Unbalanced, vec![stretch_of(run)], text);
        }
        // A tick is applied and no record.
        sum.applied += u64::from(record.tick_ms.is_some());
        let counts = &record.counts;
        let said = (counts.scored, counts.applied, counts.duplicates, counts.rejected);
        if said != (sum.scored, sum.applied, sum.duplicates, sum.rejected) {
            let text = "the step's counts are not those of its runs".to_owned();
            self.tell(record.step, Kind::Unbalanced, stretches(&record.runs), text);
        }
    }

    /// The step's alerts: as many as it says, each once, each of a record in it.
    fn alerts_of(&mut self, record: &JournalRecord) {
        let mut found = self.alerts.by_step.remove(&record.step).unwrap_or_default();
        for run in &record.runs {
            let place = (run.topic.clone(), run.partition);
            if let Some(offsets) = self.alerts.by_source.get_mut(&place) {
                let here: Vec<i64> = offsets.range(run.from..run.to).map(|(at, _)| *at).collect();
                found.extend(here.iter().filter_map(|at| offsets.remove(at)).flatten());
            }
        }
        let mut once = 0;
        for alert in found {
            let SeenAlert { at, id, source, corrects, .. } = alert;
            let here = record
                .runs
                .iter()
                .any(|run| stretch_of(run).holds(&source.topic, source.partition, source.from));
            let place = (source.topic.clone(), source.partition);
            let before = || self.partitions.get(&place).is_some_and(|p| source.from < p.end);
            if !(here || corrects && before()) {
                let text = format!(
                    "alert {}.{} at {at} says that its source is outside the step",
                    id.0, id.1
                );
                self.tell(record.step, Kind::Source, vec![source], text);
            }
            let revisions = self.seen.entry(id.0.clone()).or_default();
            match revisions.get(&id.1).cloned() {
                None => {
                    once += 1;
                    revisions.insert(id.1, (record.step, at));
                }
                Some(_) if self.delivery == Delivery::AtLeastOnce => self.report.repeats += 1,
                Some((_, first)) => {
                    let text = format!("alert {}.{} stands twice", id.0, id.1);
                    let at = vec![first, at];
                    self.tell(record.step, Kind::Twice, at, text);
                }
            }
        }
        self.report.alerts += once;
        if once != record.counts.alerts {
            let text = format!(
                "the step published {} alerts, the topics hold {}; its records",
                record.counts.alerts, once
            );
            self.tell(record.step, Kind::Alerts, stretches(&record.runs), text);
        }
    }

    /// Takes a reconciliation record.
    pub fn summary(&mut self, said: &Reconciliation) {
        let whole = self.tally.take(said.at_ms);
        // Steps from before the journal's head are not known.
        let known = whole.as_ref().is_some_and(|whole| whole.from_step <= said.from_step);
        if !self.steps.hold(said.to_step) || !(known || self.whole) {
            return;
        }
        self.report.summaries += 1;
        if whole.as_ref() != Some(said) {
            let text = format!(
                "the journal's sum over steps {} to {} is not that of the steps",
                said.from_step, said.to_step
            );
            let at = said.partitions.iter().map(|p| Stretch {
                topic: p.topic.clone(),
                partition: p.partition,
                from: p.from,
                to: p.to,
            });
            self.tell(said.to_step, Kind::Summary, at.collect(), text);
        }
    }

    /// What has to be read now: stretches of inputs, by partition, that the steps so far cover.
    #[must_use]
    pub fn wanted(&self) -> Vec<Stretch> {
        let wanted = |((topic, partition), known): (&(String, i32), &Partition)| {
            let (first, last) = (known.open.front()?, known.open.back()?);
            Some(Stretch {
                topic: topic.clone(),
                partition: *partition,
                from: first.from,
                to: last.to,
            })
        };
        self.partitions.iter().filter_map(wanted).collect()
    }

    /// Takes a partition's next record: its amount if it is a payment, `Err` if it is no event.
    pub fn record(
        &mut self,
        (topic, partition, offset): (&str, i32, i64),
        read: Result<Option<Money>, ()>,
    ) {
        let Some(known) = self.partitions.get_mut(&(topic.to_owned(), partition)) else { return };
        let after = known.open.partition_point(|open| open.to <= offset);
        let Some(open) = known.open.get_mut(after).filter(|open| open.from <= offset) else {
            return;
        };
        open.found.records += 1;
        match read {
            Ok(Some(amount)) => open.found.consume(amount.currency, amount.minor),
            Ok(None) => {}
            Err(()) => open.unreadable.push(offset),
        }
    }

    /// All records of a wanted stretch have been handed over; those below `low` are gone.
    pub fn close(&mut self, topic: &str, partition: i32, low: i64) {
        let place = (topic.to_owned(), partition);
        let Some(known) = self.partitions.get_mut(&place) else { return };
        let open = std::mem::take(&mut known.open);
        for run in open {
            self.close_run(&place, run, low);
        }
    }

    fn close_run(&mut self, place: &(String, i32), run: Open, low: i64) {
        let Open { step, from, to, claimed, mut found, unreadable } = run;
        let stretch = |from, to| Stretch { topic: place.0.clone(), partition: place.1, from, to };
        let rejects: Vec<(i64, u64)> = self.rejects.get(place).map_or_else(Vec::new, |offsets| {
            offsets.range(from..to).map(|(offset, times)| (*offset, *times)).collect()
        });
        found.rejected = rejects.len() as u64;
        self.report.rejects += found.rejected;
        for (offset, times) in rejects.iter().filter(|(_, times)| *times > 1) {
            if self.delivery == Delivery::AtLeastOnce {
                self.report.repeats += times - 1;
            } else {
                let text = format!("this record was rejected {times} times");
                self.tell(step, Kind::Twice, vec![stretch(*offset, offset + 1)], text);
            }
        }
        for offset in unreadable {
            if !rejects.iter().any(|(at, _)| *at == offset) {
                let text = "this record is no event, and its reject is missing".to_owned();
                self.tell(step, Kind::Rejects, vec![stretch(offset, offset + 1)], text);
            }
        }
        if from < low {
            self.report.gone.push(stretch(from, to.min(low)));
        } else if let Some(claimed) = &claimed {
            self.compare(step, stretch(from, to), claimed, &found);
        }
        if let Some(line) = self.partitions.get_mut(place).and_then(|p| p.line.as_mut()) {
            line.found.add(&found);
        }
    }

    fn compare(&mut self, step: u64, at: Stretch, claimed: &Balance, found: &Balance) {
        if claimed.records != found.records {
            let (said, held) = (claimed.records, found.records);
            let text = format!("the step took {said} records, the topic holds {held}");
            self.tell(step, Kind::Records, vec![at.clone()], text);
        }
        if claimed.rejected != found.rejected {
            let (said, held) = (claimed.rejected, found.rejected);
            let text = format!("the step rejected {said} records, the rejects topic holds {held}");
            self.tell(step, Kind::Rejects, vec![at.clone()], text);
        }
        let none = Default::default();
        for code in claimed
            .amounts
            .keys()
            .chain(found.amounts.keys())
            .collect::<std::collections::BTreeSet<_>>()
        {
            let of = |balance: &Balance| balance.amounts.get(code).unwrap_or(&none).consumed;
            if of(claimed) != of(found) {
                let text = format!(
                    "the step took {code} {} in minor units, the topic's payments are {}",
                    of(claimed),
                    of(found)
                );
                self.tell(step, Kind::Amounts, vec![at.clone()], text);
            }
        }
    }

    /// Ends the proof.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let mut left: Vec<_> = std::mem::take(&mut self.alerts.by_step).into_iter().collect();
        left.sort_by_key(|(step, _)| *step);
        for (step, alerts) in left {
            for SeenAlert { at, id, .. } in alerts {
                let text = format!(
                    "alert {}.{} says that step {step} published it, which the journal does not have",
                    id.0, id.1
                );
                self.tell(step, Kind::Source, vec![at], text);
            }
        }
        for (id, revisions) in std::mem::take(&mut self.seen) {
            let mut before: Option<u32> = None;
            for (revision, (step, at)) in revisions {
                if before.is_some_and(|before| revision != before + 1) {
                    let text = format!("alert {id} lacks the revision before {revision}");
                    self.tell(step, Kind::Revisions, vec![at], text);
                }
                before = Some(revision);
            }
        }
        let lines = std::mem::take(&mut self.partitions).into_values();
        self.report.partitions = lines.filter_map(|partition| partition.line).collect();
        self.report.gone = joined(std::mem::take(&mut self.report.gone));
        self.report
    }

    fn tell(&mut self, step: u64, kind: Kind, at: Vec<Stretch>, text: String) {
        // Before the proven steps nothing is proven, but their ends are where the first begins.
        if !self.steps.hold(step) {
            return;
        }
        self.report.broken_count += 1;
        if self.report.broken.len() < limits::BROKEN_TOLD_MAX {
            self.report.broken.push(Broken { kind, step, at, text });
        }
    }
}

fn stretch_of(run: &JournalRun) -> Stretch {
    Stretch { topic: run.topic.clone(), partition: run.partition, from: run.from, to: run.to }
}

fn stretches(runs: &[JournalRun]) -> Vec<Stretch> {
    runs.iter().map(stretch_of).collect()
}

/// Neighbours become one.
fn joined(mut all: Vec<Stretch>) -> Vec<Stretch> {
    all.sort();
    let mut out: Vec<Stretch> = Vec::new();
    for stretch in all {
        match out.last_mut() {
            Some(last)
                if (&last.topic, last.partition) == (&stretch.topic, stretch.partition)
                    && last.to == stretch.from =>
            {
                last.to = stretch.to;
            }
            _ => out.push(stretch),
        }
    }
    out
}
