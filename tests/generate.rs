//! The generator from outside: determinism, order, labels, and patterns that meet their thresholds.

use std::collections::{BTreeMap, BTreeSet};

use goshawk::generate::{GenerateConfig, Generator, HardNegative, Kind, Truth};
use goshawk::limits::LATENESS_DEFAULT;
use goshawk::model::event::{
    Batch, Body, Event, ListCategory, Payment, PaymentStatus, PaymentType,
};
use goshawk::model::label::Label;
use goshawk::model::time::{DAY, HOUR, MINUTE, Millis};
use goshawk::source::{Progress, Source as _, Step};

/// Everything a configuration generates, in one batch.
fn generate(config: &GenerateConfig) -> (Batch, Truth) {
    let mut generator = Generator::new(config.clone()).expect("a town");
    let truth = generator.truth();
    let mut all = Batch::default();
    let mut step = Step::default();
    loop {
        step.clear();
        if generator.next(&mut step).expect("a generator never fails") == Progress::End {
            return (all, truth);
        }
        let run = step.runs[0];
        assert_eq!((run.to - run.from) as usize, step.batch.events.len());
        assert_eq!(step.batch.events[0].position.offset, run.from);
        let base = all.text.len() as u32;
        all.text.push_str(&step.batch.text);
        all.events.extend(step.batch.events.drain(..).map(|event| shifted(event, base)));
    }
}

/// The event with its texts moved by `base`; only what the tests read.
fn shifted(mut event: Event, base: u32) -> Event {
    if let Body::Payment(payment) = &mut event.body {
        let texts = [
            &mut payment.event_id,
            &mut payment.payment_id,
            &mut payment.payer.account,
            &mut payment.payee.account,
            &mut payment.payer.customer,
            &mut payment.payee.customer,
        ];
        for text in texts {
            if !text.is_none() {
                text.start += base;
            }
        }
    }
    event
}

fn config(seed: u64) -> GenerateConfig {
    GenerateConfig { planted_per_million: 2_000, ..GenerateConfig::new(5_000, 120_000, seed) }
}

fn print(batch: &Batch) -> String {
    format!("{}\n{:?}", batch.text, batch.events.iter().map(|e| e.time_ms).collect::<Vec<_>>())
}

fn payments(batch: &Batch) -> impl Iterator<Item = (Millis, &Payment)> {
    batch.events.iter().filter_map(|event| match &event.body {
        Body::Payment(payment) => Some((event.time_ms, payment)),
        _ => None,
    })
}

#[test]
fn the_seed_decides_and_the_size_of_steps_does_not() {
    let once = print(&generate(&config(7)).0);
    assert!(once == print(&generate(&config(7)).0), "same seed, other events");
    let cut = GenerateConfig { step_events: 17, ..config(7) };
    // Bank codes are written once a step, so only the times and labels can be compared.
    let (batch, truth) = generate(&cut);
    let (whole, other) = generate(&config(7));
    let times = |batch: &Batch| batch.events.iter().map(|e| e.time_ms).collect::<Vec<_>>();
    assert_eq!(times(&batch), times(&whole));
    assert_eq!(truth.take_labels(), other.take_labels());
    assert!(once != print(&generate(&config(8)).0), "another seed, the same events");
}

#[test]
fn events_come_in_order_of_arrival_and_as_many_as_asked_for() {
    let (batch, _) = generate(&config(1));
    assert_eq!(batch.events.len(), 120_000);
    assert!(batch.events.is_sorted_by_key(|event| event.record_time_ms));
    assert!(batch.events.iter().enumerate().all(|(n, event)| event.position.offset == n as i64));
    let prompt = GenerateConfig { late_per_thousand: 0, repeated_per_million: 0, ..config(1) };
    let (batch, _) = generate(&prompt);
    assert!(batch.events.is_sorted_by_key(|event| event.time_ms));
}

#[test]
fn some_arrive_late_within_the_lateness_and_some_twice() {
    let config = GenerateConfig { repeated_per_million: 2_000, ..config(1) };
    let (batch, _) = generate(&config);
    let stream = batch.events.iter().filter(|event| event.time_ms >= config.start_ms);
    let (mut greatest, mut late, mut all) = (config.start_ms, 0, 0);
    for event in stream {
        assert!(event.time_ms > greatest - LATENESS_DEFAULT, "beyond the lateness");
        late += usize::from(event.time_ms < greatest);
        greatest = greatest.max(event.time_ms);
        all += 1;
    }
    // Five in a thousand are held back, and two in a thousand come again.
    assert!((all * 4 / 1_000..all * 9 / 1_000).contains(&late), "{late} of {all}");
    let mut seen = BTreeMap::new();
    for (_, payment) in payments(&batch) {
        *seen.entry(batch.text(payment.event_id)).or_insert(0) += 1;
    }
    let twice = seen.values().filter(|count| **count == 2).count();
    assert!(twice > 50 && seen.values().all(|count| *count <= 2), "{twice}");
}

#[test]
fn sleepers_paid_once_before_the_stream_and_then_not_for_half_a_year() {
    let config = config(1);
    let (batch, truth) = generate(&config);
    let labels = truth.take_labels();
    let awakenings = by_pattern(&labels, Kind::DormantAwakening);
    assert!(!awakenings.is_empty());
    for pattern in awakenings {
        let sleeper = pattern[0].payee.as_str();
        let paid = payments(&batch).filter(|(_, p)| batch.text(p.payer.account) == sleeper);
        let times: Vec<Millis> = paid.map(|(at, _)| at).collect();
        let flow = flow_of(&pattern, sleeper);
        assert!(times[1] - times[0] >= 190 * DAY, "{}", (times[1] - times[0]) / DAY);
        assert!(flow.credits >= 10_000 * YUAN && flow.debits * 10 >= flow.credits * 9);
        assert!(flow.debit_count >= 6 && flow.payees >= 5 && flow.debit_span <= 9 * MINUTE);
    }
    let cash = payments(&batch).filter(|(_, p)| p.payment_type == PaymentType::CashOut);
    let labelled: BTreeSet<&str> = labels.iter().map(|l| l.event_id.as_str()).collect();
    assert!(cash.filter(|(_, p)| labelled.contains(batch.text(p.event_id))).count() > 0);
}

#[test]
fn every_kind_is_planted_and_labels_name_events() {
    let (batch, truth) = generate(&config(1));
    let ids: BTreeSet<&str> =
        payments(&batch).map(|(_, payment)| batch.text(payment.event_id)).collect();
    let labels = truth.take_labels();
    assert!(labels.iter().all(|label| ids.contains(label.event_id.as_str())));
    let kinds: BTreeSet<&str> = labels.iter().map(|label| label.kind.as_str()).collect();
    assert_eq!(kinds, Kind::ALL.iter().map(|kind| kind.word()).collect());
    let patterns: BTreeSet<&str> = labels.iter().map(|label| label.pattern.as_str()).collect();
    assert_eq!(patterns.len() as u64, truth.planted().values().sum::<u64>());
    assert_eq!(truth.labels_dropped(), 0);
    assert!(labels.len() * 20 < batch.events.len(), "fraud is rare: {}", labels.len());
}

#[test]
fn hard_negatives_are_there_and_carry_no_label() {
    // Begins on the eve of the Spring Festival of 2026.
    let start_ms = 1_771_200_000_000;
    let config = GenerateConfig { start_ms, hard_negatives_per_million: 2_000, ..config(3) };
    let found: BTreeSet<HardNegative> = generate(&config).1.hard_negatives().into_keys().collect();
    let expected = [
        HardNegative::Payroll,
        HardNegative::Canteen,
        HardNegative::GroupBuy,
        HardNegative::Landlord,
        HardNegative::HousePurchase,
        HardNegative::OwnSweep,
        HardNegative::RedPackets,
        HardNegative::NewSaver,
        HardNegative::Kiosk,
    ];
    assert_eq!(found, BTreeSet::from(expected));
}

#[test]
fn honest_statuses_and_lists_vary() {
    let (batch, _) = generate(&config(1));
    let mut statuses = BTreeMap::new();
    for (_, payment) in payments(&batch) {
        *statuses.entry(payment.status).or_insert(0) += 1;
    }
    assert!(statuses[&PaymentStatus::Rejected] > 0 && statuses[&PaymentStatus::Cancelled] > 0);
    let lists = batch.events.iter().filter_map(|event| match &event.body {
        Body::List(list) => Some(list.category),
        _ => None,
    });
    let categories: BTreeSet<ListCategory> = lists.collect();
    assert_eq!(categories, BTreeSet::from([ListCategory::CaseAccount, ListCategory::Allow]));
    let opened = batch.events.iter().filter(|e| matches!(e.body, Body::Account(_))).count();
    assert!(opened > 0);
}

/// One pattern's settled payments.
fn by_pattern(labels: &[Label], kind: Kind) -> Vec<Vec<&Label>> {
    let mut patterns: BTreeMap<&str, Vec<&Label>> = BTreeMap::new();
    for label in labels.iter().filter(|l| l.kind == kind.word() && l.amount_minor > 0) {
        patterns.entry(&label.pattern).or_default().push(label);
    }
    // Labels come as the events arrive.
    patterns.values_mut().for_each(|labels| labels.sort_by_key(|label| label.time_ms));
    patterns.into_values().collect()
}

struct Flow {
    credits: i64,
    payers: usize,
    debits: i64,
    payees: usize,
    debit_count: usize,
    debit_span: Millis,
    top_payee: i64,
}

/// What runs through the pattern's busiest receiver.
fn flow_of(pattern: &[&Label], account: &str) -> Flow {
    let (credits, debits): (Vec<&Label>, Vec<&Label>) = (
        pattern.iter().copied().filter(|l| l.payee == account).collect(),
        pattern.iter().copied().filter(|l| l.payer == account).collect(),
    );
    let sum = |labels: &[&Label]| labels.iter().map(|l| l.amount_minor).sum();
    let mut by_payee: BTreeMap<&str, i64> = BTreeMap::new();
    for debit in &debits {
        *by_payee.entry(&debit.payee).or_default() += debit.amount_minor;
    }
    Flow {
        credits: sum(&credits),
        payers: credits.iter().map(|l| &l.payer).collect::<BTreeSet<_>>().len(),
        debits: sum(&debits),
        payees: by_payee.len(),
        debit_count: debits.len(),
        debit_span: debits.last().map_or(0, |l| l.time_ms)
            - debits.first().map_or(0, |l| l.time_ms),
        top_payee: by_payee.values().copied().max().unwrap_or(0),
    }
}

const YUAN: i64 = 100;

#[test]
fn planted_patterns_pass_their_thresholds() {
    for seed in 0..4 {
        let (_, truth) = generate(&config(seed));
        let labels = truth.take_labels();
        for pattern in by_pattern(&labels, Kind::Burst) {
            let flow = flow_of(&pattern, &pattern[0].payee);
            assert!(flow.debit_count >= 6 && flow.payees >= 4 && flow.debits >= 15_000 * YUAN);
            assert!(flow.debit_span <= 8 * MINUTE, "{}", flow.debit_span);
        }
        for pattern in by_pattern(&labels, Kind::PassThrough) {
            for pair in pattern.chunks(2) {
                assert!(pair[0].amount_minor >= 8_000 * YUAN);
                assert!(pair[1].amount_minor * 100 >= pair[0].amount_minor * 98);
                assert!(pair[1].time_ms - pair[0].time_ms <= 9 * MINUTE);
            }
        }
        for pattern in by_pattern(&labels, Kind::ScatterInGatherOut) {
            let flow = flow_of(&pattern, &pattern[0].payee);
            assert!(flow.payers >= 5 && flow.credits >= 55_000 * YUAN);
            assert!(flow.debits * 10 >= flow.credits * 9 && flow.top_payee == flow.debits);
        }
        for pattern in by_pattern(&labels, Kind::GatherInScatterOut) {
            let flow = flow_of(&pattern, &pattern[0].payee);
            assert!(flow.payers <= 2 && flow.credits >= 90_000 * YUAN && flow.payees >= 7);
            assert!(flow.debits * 100 >= flow.credits * 88, "{} {}", flow.debits, flow.credits);
            let span = pattern[pattern.len() - 1].time_ms - pattern[0].time_ms;
            assert!(span < 2 * HOUR);
        }
        for pattern in by_pattern(&labels, Kind::MultiLevelChain) {
            let receivers: BTreeSet<&str> = pattern.iter().map(|l| l.payee.as_str()).collect();
            let payers: BTreeSet<&str> = pattern.iter().map(|l| l.payer.as_str()).collect();
            assert_eq!(receivers.intersection(&payers).count(), 5, "levels 1, 2, 2, 3, 3");
            for account in receivers.intersection(&payers) {
                let flow = flow_of(&pattern, account);
                assert!(flow.credits >= 10_000 * YUAN && flow.debits * 100 >= flow.credits * 98);
            }
        }
        for pattern in by_pattern(&labels, Kind::Cycle) {
            assert_eq!(pattern[0].payer, pattern[pattern.len() - 1].payee);
            assert!(pattern.iter().all(|l| l.amount_minor >= 19_000 * YUAN));
        }
        for pattern in by_pattern(&labels, Kind::ControlViolation) {
            assert!(pattern.len() == 2 && pattern[1].payer == pattern[0].payee);
        }
        for pattern in by_pattern(&labels, Kind::RemoteSession) {
            assert!(pattern.iter().all(|l| l.amount_minor >= 6_000 * YUAN));
        }
        for pattern in by_pattern(&labels, Kind::DrainedElderly) {
            let victim = &pattern[0].payer;
            let lost: Vec<i64> =
                pattern.iter().filter(|l| l.payer == *victim).map(|l| l.amount_minor).collect();
            assert!(lost.len() == 3 && lost[0] >= 55_000 * YUAN);
        }
    }
}

#[test]
fn a_drained_person_is_old_and_nothing_is_left() {
    let (batch, truth) = generate(&config(5));
    let labels = truth.take_labels();
    let by_id: BTreeMap<&str, &Payment> =
        payments(&batch).map(|(_, payment)| (batch.text(payment.event_id), payment)).collect();
    let patterns = by_pattern(&labels, Kind::DrainedElderly);
    assert!(!patterns.is_empty());
    for pattern in patterns {
        let taken: Vec<&Payment> = pattern
            .iter()
            .filter(|l| l.payer == pattern[0].payer)
            .map(|l| by_id[l.event_id.as_str()])
            .collect();
        assert!(taken.iter().all(|p| p.payer.age_years >= Some(60)));
        let first = taken[0].payer.balance_after_minor.expect("ours") + taken[0].amount.minor;
        let lost: i64 = taken.iter().map(|p| p.amount.minor).sum();
        assert!(lost * 100 >= first * 85, "{lost} of {first}");
    }
}

#[test]
fn a_pass_through_account_is_left_nearly_empty() {
    let (batch, truth) = generate(&config(6));
    let labels = truth.take_labels();
    let by_id: BTreeMap<&str, &Payment> =
        payments(&batch).map(|(_, payment)| (batch.text(payment.event_id), payment)).collect();
    for pattern in by_pattern(&labels, Kind::PassThrough) {
        let mule = &pattern[0].payee;
        for out in pattern.iter().filter(|l| l.payer == *mule) {
            let left = by_id[out.event_id.as_str()].payer.balance_after_minor.expect("planned");
            assert!((0..=100 * YUAN).contains(&left));
        }
    }
}

fn goshawk(arguments: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(env!("CARGO_BIN_EXE_goshawk")).args(arguments).assert()
}

#[test]
fn the_command_writes_the_same_file_plain_and_compressed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (plain, zst, gz, labels) = (path("a.jsonl"), path("a.jsonl.zst"), path("b.gz"), path("l"));
    for out in [&plain, &zst, &gz] {
        let arguments = ["generate", "--accounts", "2000", "--events", "20000", "--seed", "9"];
        let more = ["--planted", "3000", "--out", out, "--labels", &labels];
        goshawk(&[&arguments[..], &more[..]].concat()).success();
    }
    let text = std::fs::read_to_string(&plain).expect("written");
    assert_eq!(text.lines().count(), 20_000);
    let unpacked = zstd::decode_all(std::fs::File::open(&zst).expect("written")).expect("zstd");
    assert!(unpacked == text.as_bytes());
    let mut unzipped = String::new();
    let file = std::fs::File::open(&gz).expect("written");
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut unzipped)
        .expect("gzip");
    assert!(unzipped == text);
    let labels = std::fs::read_to_string(&labels).expect("written");
    let mut rows = labels.lines();
    assert_eq!(rows.next(), Some("event_id,pattern,kind"));
    let first = rows.next().and_then(|row| row.split(',').next()).expect("a label");
    assert!(text.contains(&format!("\"event_id\":\"{first}\"")));
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    goshawk(&["generate", "--events", "10"]).code(2);
    goshawk(&["generate", "--events", "0", "--out", "x.jsonl"]).code(2);
    goshawk(&["generate", "--accounts", "5", "--out", "/dev/null"]).code(2);
    goshawk(&["generate", "--events", "10", "--out", "/no/such/folder/x.jsonl"]).code(1);
}

/// Watches nothing.
struct Nobody;

impl goshawk::backtest::drive::Observer for Nobody {
    fn step(
        &mut self,
        _: &Step,
        _: &goshawk::engine::StepOutput,
        _: &goshawk::backtest::tally::Tally,
    ) -> Result<bool, goshawk::backtest::drive::ObserverError> {
        Ok(true)
    }
}

#[test]
fn the_shipped_rules_find_what_is_planted_within_the_alert_budget() {
    let plan = goshawk::rules::compile(&goshawk::rules::shipped::files()).expect("the pack");
    let config = goshawk::engine::EngineConfig::for_tenant("town");
    let lane = goshawk::backtest::drive::Lane::new(config, std::sync::Arc::new(plan));
    let town = GenerateConfig::new(8_000, 120_000, 3);
    let mut town = Generator::new(GenerateConfig { planted_per_million: 800, ..town }).expect("ok");
    let truth = goshawk::backtest::truth::Truth::new(None);
    let inline = goshawk::engine::Inline;
    let mut drive = goshawk::backtest::drive::Drive::new(vec![lane], truth);
    drive.run(&mut town, &inline, &mut Nobody).expect("neither side fails");
    let report = serde_json::to_value(drive.report(&drive.lanes[0])).expect("numbers and words");
    // The town is small for what is planted in it, so the budget is held against what is not: at
    // most three accounts in a thousand a day are alerted for nothing.
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let in_vain = 1.0 - number(&report["labels"]["precision"]);
    let in_vain = number(&report["alerted_per_active_account_day"]) * in_vain;
    assert!(in_vain < 0.003, "{in_vain}\n{report:#}");
    let patterns = report["labels"]["patterns"].as_array().expect("labelled");
    for kind in [Kind::Burst, Kind::ListedPayee, Kind::ControlViolation, Kind::RemoteSession] {
        let row = patterns.iter().find(|row| row["kind"] == kind.word()).expect("planted");
        assert_eq!(row["planted"], row["found"], "{report:#}");
    }
}
