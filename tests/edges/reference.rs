//! What lists and controls say holds however late it is heard.

use goshawk::engine::{Engine, EngineConfig, Inline, RuleCounts};
use goshawk::limits::{LATENESS_DEFAULT, LEDGER_RETENTION};
use goshawk::model::event::{Batch, ListCategory, ListLevel, Position};
use goshawk::model::measure::Action;
use goshawk::model::time::DAY;
use goshawk::rules::plan::feature::StateFeature;
use goshawk::rules::plan::view::Role;
use goshawk::wire::decode::{DecodeConfig, Decoder};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rstest::rstest;

use super::table::{START, push};
use crate::oracle::plans::{BOTH, Builder};

const LIST: &str = r#"{"schema":"list.v1","op":"upsert","subject":{"kind":"account","id":"B"},
    "category":"case_account","level":"confirmed_case","valid_from":"TIME","event_time":"TIME"}"#;
const CONTROL: &str = r#"{"schema":"control.v1","control_id":"c","account":"B","kind":"credit_only",
    "mode":"full","from":"TIME","event_time":"TIME"}"#;

/// A payment, then an entry about its payee as old as said, then another payment to it.
#[rstest]
#[case::a_list_of_last_month(LIST, 30 * DAY)]
#[case::a_list_of_ten_years_ago(LIST, 3_650 * DAY)]
#[case::a_list_at_the_edge(LIST, LEDGER_RETENTION + LATENESS_DEFAULT)]
#[case::a_control_of_last_month(CONTROL, 30 * DAY)]
fn an_old_entry_is_applied(#[case] record: &str, #[case] age: i64) {
    let mut builder = Builder::new();
    let feature = match record {
        LIST => StateFeature::Listed(ListCategory::CaseAccount, Some(ListLevel::Confirmed)),
        _ => StateFeature::Controlled(Action::CreditOnly),
    };
    let listed = builder.cell(Role::Payee, feature);
    builder.rule(Role::Payee, listed, BOTH, Vec::new());
    let mut engine = Engine::new(EngineConfig::for_tenant("edges"), builder.build());

    let mut batch = Batch::default();
    push(&mut batch, START, 0, "0d 10:00:00.000 p1 settled A > B 1.00");
    let now = batch.events[0].time_ms;
    let at = Timestamp::from_millisecond(now - age).expect("a time").to_string();
    let config = DecodeConfig { zone: TimeZone::UTC, skew_ms: 0 };
    let record = record.replace("TIME", &at);
    let outcome =
        Decoder::new(config).decode(record.as_bytes(), Position::default(), Some(now), &mut batch);
    outcome.expect("a valid record");
    push(&mut batch, START, 2, "0d 10:00:01.000 p2 settled A > B 1.00");

    let output = engine.step(&batch, &Inline);
    assert_eq!(output.rejects, []);
    assert_eq!((output.counts.scored, output.counts.applied), (2, 1));
    let expect = RuleCounts { hit: 1, miss: 1, ..RuleCounts::default() };
    assert_eq!(output.rules, [expect]);
    assert_eq!(output.watermark_ms, now + 1_000 - LATENESS_DEFAULT);
}
