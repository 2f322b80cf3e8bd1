//! What a run must have come to: one engine, never interrupted, over the journal's order, by code
//! of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use goshawk::engine::{Engine, Inline};
use goshawk::model::event::{Batch, Position};
use goshawk::runtime::config::Delivery;
use goshawk::runtime::reload::watch::Pack;
use goshawk::runtime::standby::Terms;
use goshawk::sink::kafka::writer::Ends;
use goshawk::source::RejectedRecord;
use goshawk::wire::decode::Decoder;
use goshawk::wire::encode::{PackName, WallTimes};
use goshawk::wire::journal::{self, Entry, JournalCounts, JournalRecord};

use super::cluster::{Cluster, Record};
use super::terms::encoder;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Figures {
    pub steps: usize,
    pub alerts: usize,
    pub rejects: usize,
    pub packs: usize,
}

/// Checks everything that was published.
pub fn check(
    cluster: &Cluster,
    terms: &Terms,
    packs: &[Pack],
    deaths: u64,
) -> Result<Figures, String> {
    if let Some(problem) = cluster.went_back.first() {
        return Err(format!("the group's offset went back: {problem}"));
    }
    let exactly = terms.delivery == Delivery::ExactlyOnce;
    let steps = steps(cluster, exactly)?;
    let records = inputs(cluster, terms);
    cover(cluster, terms, &steps, &records)?;
    let expected = repeat(terms, packs, &steps, &records)?;
    let bodies = |topic| {
        let all = cluster.all(topic, 0).into_iter();
        all.map(|(_, record)| record.body).collect::<Vec<_>>()
    };
    let (alerts, rejects) = (bodies("alerts"), bodies("rejects"));
    if exactly {
        same("alerts", &alerts, &expected.alerts)?;
        same("rejects", &rejects, &expected.rejects)?;
    } else {
        // A step that died before its journal record may have been read again in another order or
        // under other rules: then more was published than the journal knows of.
        let missing = |seen: &[Vec<u8>], expected: &[Vec<u8>]| {
            let seen: BTreeSet<&Vec<u8>> = seen.iter().collect();
            expected.iter().any(|body| !seen.contains(body))
        };
        if missing(&alerts, &expected.alerts) || missing(&rejects, &expected.rejects) {
            return Err("something was never published".to_owned());
        }
        if deaths == 0
            && (missing(&expected.rejects, &rejects) || missing(&expected.alerts, &alerts))
        {
            return Err("something was published that an undisturbed run does not say".to_owned());
        }
    }
    let changes: BTreeSet<&str> = steps.iter().map(|step| step.rule_pack.as_str()).collect();
    Ok(Figures {
        steps: steps.len(),
        alerts: alerts.len(),
        rejects: rejects.len(),
        packs: changes.len(),
    })
}

fn same(what: &str, seen: &[Vec<u8>], expected: &[Vec<u8>]) -> Result<(), String> {
    if seen == expected {
        return Ok(());
    }
    let at = seen.iter().zip(expected).position(|(a, b)| a != b);
    let at = at.unwrap_or(seen.len().min(expected.len()));
    let show = |bodies: &[Vec<u8>]| {
        bodies.get(at).map_or("nothing".to_owned(), |b| String::from_utf8_lossy(b).into_owned())
    };
    Err(format!(
        "{} {what} instead of {}; number {at} is\n{}\ninstead of\n{}",
        seen.len(),
        expected.len(),
        show(seen),
        show(expected)
    ))
}

/// The journal's steps that count; each new pack is announced right before its first step.
fn steps(cluster: &Cluster, exactly: bool) -> Result<Vec<JournalRecord>, String> {
    let mut steps: Vec<JournalRecord> = Vec::new();
    let (mut announced, mut pack) = (None, String::new());
    for (offset, record) in cluster.all("journal", 0) {
        match journal::read(offset, &record.body).map_err(|error| error.to_string())? {
            Entry::Step(step) => {
                if exactly && step.step != steps.len() as u64 + 1 {
                    return Err(format!("step {} follows {} steps", step.step, steps.len()));
                }
                steps.retain(|before| before.step < step.step);
                let change = announced.take().filter(|(first, _)| *first == step.step);
                if step.rule_pack != pack
                    && change.as_ref().map(|(_, to)| to) != Some(&step.rule_pack)
                {
                    return Err(format!("step {} came under other rules unsaid", step.step));
                }
                pack.clone_from(&step.rule_pack);
                steps.push(step);
            }
            Entry::Change(change) => announced = Some((change.step, change.to)),
            Entry::File(_) | Entry::Shadow(_) | Entry::Reconciliation(_) => {}
        }
    }
    Ok(steps)
}

/// Where the journal ends.
pub fn journal_ends(cluster: &Cluster) -> Ends {
    let steps = steps(cluster, false).unwrap_or_default();
    let runs = steps.into_iter().flat_map(|step| step.runs);
    runs.map(|run| ((run.topic, run.partition), run.to)).collect()
}

/// By topic and partition.
type Inputs = BTreeMap<(String, i32), Vec<(i64, Record)>>;

fn inputs(cluster: &Cluster, terms: &Terms) -> Inputs {
    let mut all = Inputs::new();
    for topic in &terms.inputs {
        for partition in 0..cluster.partitions(topic).unwrap_or(0) {
            all.insert((topic.clone(), partition), cluster.all(topic, partition));
        }
    }
    all
}

/// Every record in one run, runs one after the other, and the group's offsets where they end.
fn cover(
    cluster: &Cluster,
    terms: &Terms,
    steps: &[JournalRecord],
    records: &Inputs,
) -> Result<(), String> {
    let mut ends = BTreeMap::new();
    for step in steps {
        for run in &step.runs {
            let place = (run.topic.clone(), run.partition);
            let first = records[&place].first().map_or(0, |(offset, _)| *offset);
            let end = ends.entry(place).or_insert(first);
            if run.from != *end || run.to <= run.from {
                return Err(format!("step {}: {run:?} begins elsewhere than {end}", step.step));
            }
            *end = run.to;
        }
    }
    for (place, records) in records {
        let last = records.last().map_or(0, |(offset, _)| offset + 1);
        if ends.get(place).copied().unwrap_or(0) != last {
            return Err(format!("{place:?}: read to {:?}, records to {last}", ends.get(place)));
        }
    }
    let committed = cluster.committed().ok_or("a transaction is still open")?;
    let exactly = terms.delivery == Delivery::ExactlyOnce;
    if exactly && committed != ends {
        return Err(format!("the group's offsets are {committed:?}, the journal ends at {ends:?}"));
    }
    Ok(())
}

#[derive(Default)]
struct Expected {
    alerts: Vec<Vec<u8>>,
    rejects: Vec<Vec<u8>>,
}

fn repeat(
    terms: &Terms,
    packs: &[Pack],
    steps: &[JournalRecord],
    records: &Inputs,
) -> Result<Expected, String> {
    let mut expected = Expected::default();
    let mut engine = Engine::new(terms.engine.clone(), Arc::clone(&packs[0].plan));
    let mut encoder = encoder(terms, &packs[0].plan);
    let mut decoder = Decoder::new(terms.decode.clone());
    let wall = WallTimes { ingested_ms: 0, detected_ms: 0, published_ms: 0 };
    for step in steps {
        let pack = packs.iter().find(|pack| pack.plan.pack_sha256 == step.rule_pack);
        let plan = &pack.ok_or("rules that nobody has")?.plan;
        engine.set_plan(Arc::clone(plan));
        encoder.set_pack(PackName::of(plan));
        let (mut batch, mut undecoded, mut sources) =
            (Batch::default(), Vec::new(), BTreeMap::new());
        for (position, record) in in_order(terms, step, records) {
            let Record { key, body, time_ms } = record;
            match decoder.decode(body, position, Some(*time_ms), &mut batch) {
                Ok(()) => {
                    let place = (position.topic, position.partition, position.offset);
                    sources.insert(place, record);
                }
                Err(reject) => {
                    undecoded.push(RejectedRecord { reject, bytes: body.clone(), key: key.clone() })
                }
            }
        }
        let output = engine.step(&batch, &Inline);
        let counts = JournalCounts::of(&output.counts, undecoded.len(), output.alerts.len());
        if counts != step.counts {
            return Err(format!("step {}: {:?} instead of {counts:?}", step.step, step.counts));
        }
        let live = output.alerts.iter().filter(|alert| !alert.shadow);
        expected.alerts.extend(live.map(|alert| encoder.alert(alert, &wall).body));
        let engines = output.rejects.iter().map(|reject| {
            let at = reject.position;
            let record = sources[&(at.topic, at.partition, at.offset)];
            let (bytes, key) = (record.body.clone(), record.key.clone());
            RejectedRecord { reject: reject.clone(), bytes, key }
        });
        let rejects = undecoded.into_iter().chain(engines);
        expected.rejects.extend(rejects.map(|rejected| encoder.reject(&rejected).body));
    }
    Ok(expected)
}

/// A step's records in the documented order: by the running maximum of timestamps within each
/// partition, then topic, then partition.
fn in_order<'a>(
    terms: &Terms,
    step: &JournalRecord,
    records: &'a Inputs,
) -> Vec<(Position, &'a Record)> {
    let mut all = Vec::new();
    for run in &step.runs {
        let topic = terms.inputs.iter().position(|name| *name == run.topic).expect("known");
        let mut reached = i64::MIN;
        for (offset, record) in &records[&(run.topic.clone(), run.partition)] {
            if (run.from..run.to).contains(offset) {
                reached = reached.max(record.time_ms);
                let position =
                    Position { topic: topic as u16, partition: run.partition, offset: *offset };
                all.push(((reached, topic, run.partition, *offset), position, record));
            }
        }
    }
    all.sort_by_key(|(order, _, _)| *order);
    all.into_iter().map(|(_, position, record)| (position, record)).collect()
}
