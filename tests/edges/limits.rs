//! Limits of zero and below are limits, not absent ones; a missing value is neither; and a clock
//! that is a century ahead harms nobody.

use goshawk::engine::{Engine, EngineConfig, Inline, RuleCounts};
use goshawk::limits::{LATENESS_DEFAULT, SKEW_DEFAULT};
use goshawk::model::event::Position;
use goshawk::model::event::{Batch, Body};
use goshawk::model::reject::RejectReason;
use goshawk::model::time::HOUR;
use goshawk::rules::plan::feature::{PaymentField, StateFeature};
use goshawk::rules::plan::program::CompareOp;
use goshawk::rules::plan::view::{Direction, Role, View};
use goshawk::wire::decode::{DecodeConfig, Decoder};
use jiff::tz::TimeZone;
use rstest::rstest;

use super::table::{START, push};
use crate::oracle::plans::{BOTH, Builder};

const HIT: RuleCounts = RuleCounts { hit: 1, miss: 0, suppressed: 0, not_evaluable: 0 };
const MISS: RuleCounts = RuleCounts { hit: 0, miss: 1, suppressed: 0, not_evaluable: 0 };
const UNKNOWN: RuleCounts = RuleCounts { hit: 0, miss: 0, suppressed: 0, not_evaluable: 1 };

/// One payment of 1.00 after which the payer has `available`.
fn payment(available: Option<i64>) -> Batch {
    let mut batch = Batch::default();
    push(&mut batch, START, 0, "0d 10:00:00.000 p1 settled A > B 1.00");
    if let Body::Payment(payment) = &mut batch.events[0].body {
        payment.payer.available_after_minor = available;
    }
    batch
}

#[rstest]
#[case::zero_is_at_most_zero(Some(0), CompareOp::Le, 0, HIT)]
#[case::zero_is_not_below_zero(Some(0), CompareOp::Lt, 0, MISS)]
#[case::a_cent_is_above_zero(Some(1), CompareOp::Le, 0, MISS)]
#[case::an_overdraft_is_below_zero(Some(-1), CompareOp::Lt, 0, HIT)]
#[case::a_negative_limit_is_one(Some(-1), CompareOp::Le, -500, MISS)]
#[case::at_a_negative_limit(Some(-500), CompareOp::Le, -500, HIT)]
#[case::absent_is_not_zero(None, CompareOp::Le, 0, UNKNOWN)]
#[case::absent_is_not_more_than_a_negative_limit(None, CompareOp::Gt, -500, UNKNOWN)]
fn a_balance_against_a_limit(
    #[case] available: Option<i64>,
    #[case] op: CompareOp,
    #[case] limit: i64,
    #[case] expect: RuleCounts,
) {
    let mut builder = Builder::new();
    let cell = builder.field(PaymentField::AvailableAfter(Role::Payer));
    let when = builder.compare(op, cell, limit);
    builder.rule(Role::Payer, when, BOTH, Vec::new());
    let mut engine = Engine::new(EngineConfig::for_tenant("edges"), builder.build());
    assert_eq!(engine.step(&payment(available), &Inline).rules, [expect]);
}

#[rstest]
#[case::no_credit_is_a_count_of_zero(CompareOp::Ge, 0, HIT)]
#[case::and_not_of_one(CompareOp::Ge, 1, MISS)]
#[case::nor_below_zero(CompareOp::Lt, 0, MISS)]
#[case::but_above_minus_one(CompareOp::Gt, -1, HIT)]
fn an_empty_window_counts_zero(
    #[case] op: CompareOp,
    #[case] limit: i64,
    #[case] expect: RuleCounts,
) {
    let credits = View { direction: Direction::Credit, window_ms: HOUR, without: 0 };
    for feature in [
        StateFeature::Count(credits),
        StateFeature::Sum(credits),
        StateFeature::Counterparties(credits),
        StateFeature::HistoryCount(Direction::Credit, 90),
        StateFeature::HistorySum(Direction::Credit, 90),
    ] {
        let mut builder = Builder::new();
        let cell = builder.cell(Role::Payer, feature);
        let when = builder.compare(op, cell, limit);
        builder.rule(Role::Payer, when, BOTH, Vec::new());
        let mut engine = Engine::new(EngineConfig::for_tenant("edges"), builder.build());
        assert_eq!(engine.step(&payment(None), &Inline).rules, [expect], "{feature:?}");
    }
}

#[test]
fn an_empty_window_has_no_largest_no_share_and_no_ratio() {
    let credits = View { direction: Direction::Credit, window_ms: HOUR, without: 0 };
    for feature in [
        StateFeature::Max(credits),
        StateFeature::Min(credits),
        StateFeature::TopShare(credits, 1),
        StateFeature::HistoryQuantile(90, 950_000),
        StateFeature::PairAgeDays,
        StateFeature::AgeDays,
        StateFeature::Grade,
    ] {
        let mut builder = Builder::new();
        let cell = builder.cell(Role::Payer, feature);
        let when = builder.compare(CompareOp::Ge, cell, 0);
        builder.rule(Role::Payer, when, BOTH, Vec::new());
        let mut engine = Engine::new(EngineConfig::for_tenant("edges"), builder.build());
        assert_eq!(engine.step(&payment(None), &Inline).rules, [UNKNOWN], "{feature:?}");
    }
}

#[test]
fn a_clock_in_2099_is_turned_away_and_the_watermark_stays() {
    let record = |id: u32, time: &str| {
        format!(
            r#"{{"schema":"payment.v1","event_id":"e{id}","payment_id":"p{id}","status":"settled",
            "event_time":"{time}","amount":"1.00","currency":"CNY","payer":{{"account":"A"}},
            "payee":{{"account":"B"}},"payment_type":"transfer","channel":"mobile"}}"#
        )
    };
    let config = DecodeConfig { zone: TimeZone::UTC, skew_ms: SKEW_DEFAULT };
    let (mut decoder, mut batch) = (Decoder::new(config), Batch::default());
    let arrived = START + 10 * HOUR;
    let mut decode = |id, time, batch: &mut Batch| {
        let record = record(id, time);
        decoder.decode(record.as_bytes(), Position::default(), Some(arrived), batch)
    };
    decode(1, "2026-01-05T10:00:00Z", &mut batch).expect("a present payment");
    let future = decode(2, "2099-01-01T00:00:00Z", &mut batch).expect_err("from the future");
    assert_eq!(future.reason, RejectReason::FromTheFuture);
    decode(3, "2026-01-05T10:00:01Z", &mut batch).expect("a present payment");
    let mut engine = Engine::new(EngineConfig::for_tenant("edges"), Builder::new().build());
    let output = engine.step(&batch, &Inline);
    assert_eq!((output.counts.scored, output.counts.rejected, output.counts.late), (2, 0, 0));
    assert_eq!(output.watermark_ms, arrived + 1_000 - LATENESS_DEFAULT);
}
