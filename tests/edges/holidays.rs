//! Windows of working days over holidays, which are longer than ledgers keep otherwise.

use std::sync::Arc;

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::limits::{LEDGER_RETENTION, WORKING_WINDOW_MAX};
use goshawk::model::event::Batch;
use goshawk::model::time::{DAY, HOUR, MINUTE, Millis};
use goshawk::rules::plan::Plan;
use goshawk::rules::plan::calendar::{Calendar, Span};
use goshawk::rules::plan::program::CompareOp;
use goshawk::rules::plan::query::{Measure, Query};
use goshawk::rules::plan::view::{Direction, Role};

use super::table::{START, push};
use crate::oracle::plans::{BOTH, Builder};

/// Three debits within so many working days. Day 0 of the tables is a Monday; days 3 to 3 + `off`
/// are a holiday.
fn plan(span: Span, off: i32) -> Arc<Plan> {
    let mut builder = Builder::new();
    let query = Query::spanning(Some(Direction::Debit), span);
    let (_, count) = builder.ask(Role::Payer, query, Measure::Count);
    let when = builder.compare(CompareOp::Ge, count, 3);
    builder.rule(Role::Payer, when, BOTH, Vec::new());
    let mut plan = Arc::unwrap_or_clone(builder.build());
    let monday = (START / DAY) as i32;
    plan.policy.calendar = Calendar {
        holidays: vec![(monday + 3, monday + 3 + off)],
        workdays: Vec::new(),
        covers: Some((monday - 100, monday + 100)),
    };
    Arc::new(plan)
}

/// At which of these lines the rule fires, and whether it says that it saw less than its window.
fn fires(engine: &mut Engine, lines: &[&str]) -> Vec<(usize, bool, bool)> {
    let mut fired = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let mut batch = Batch::default();
        push(&mut batch, START, number, line);
        let output = engine.step(&batch, &Inline);
        assert_eq!(output.rejects, [], "{line}");
        let found = output.findings.iter();
        fired.extend(found.map(|finding| (number, finding.lower_bound, finding.warming)));
    }
    fired
}

fn engine(plan: Arc<Plan>) -> Engine {
    let config = EngineConfig { report_findings: true, ..EngineConfig::for_tenant("edges") };
    Engine::new(config, plan)
}

/// What everybody pays meanwhile: ledgers let go of what is old when somebody comes.
const OTHERS: &str = "10d 09:00:00.000 o1 settled A > O 1.00";

#[test]
fn five_working_days_reach_over_a_holiday() {
    // Thursday, day 3, to the Sunday of the week after are off. Five working days on day 14, a
    // Monday: 14, 2, 1, 0 and Friday, -3.
    let lines = [
        "-9d 00:00:00.000 p0 settled X > Y 1.00",
        "-3d 00:00:00.000 p1 settled A > B 1.00",
        "2d 10:00:00.000 p2 settled A > C 1.00",
        OTHERS,
        "14d 10:00:00.000 p3 settled A > D 1.00",
        "14d 10:00:01.000 p4 settled E > D 1.00",
        "15d 10:00:00.000 p5 settled A > F 1.00",
    ];
    let mut engine = engine(plan(Span::WorkingDays(5), 10));
    // With the payment of the holiday, three of them on day 10 already.
    assert_eq!(
        fires(&mut engine, &lines),
        [(3, false, false), (4, false, false), (6, false, false)]
    );
}

#[test]
fn what_is_longer_than_the_longest_is_cut_and_says_so() {
    let lines = [
        "0d 10:00:00.000 p1 settled A > B 1.00",
        "40d 10:00:00.000 p2 settled A > C 1.00",
        "40d 10:00:01.000 p3 settled A > D 1.00",
        "40d 10:00:02.000 p4 settled A > F 1.00",
    ];
    let mut engine = engine(plan(Span::WorkingDays(5), 60));
    assert_eq!(fires(&mut engine, &lines), [(3, true, false)]);
    assert_eq!(WORKING_WINDOW_MAX, 31 * DAY);
}

#[test]
fn rules_that_come_in_the_middle_of_a_holiday_say_what_they_miss() {
    let mut engine = engine(plan(Span::Length(7 * DAY), 10));
    let before =
        ["-30d 10:00:00.000 p0 settled X > Y 1.00", "2d 10:00:00.000 p1 settled A > B 1.00"];
    assert_eq!(fires(&mut engine, &before), []);
    assert_eq!(fires(&mut engine, &["13d 10:00:00.000 p2 settled A > B 1.00"]), []);
    engine.set_plan(plan(Span::WorkingDays(5), 10));
    let after = [
        "14d 10:00:00.000 p3 settled A > B 1.00",
        "14d 10:00:01.000 p4 settled A > B 1.00",
        "28d 10:00:00.000 p5 settled A > B 1.00",
        "28d 10:00:01.000 p6 settled A > B 1.00",
        "28d 10:00:02.000 p7 settled A > B 1.00",
    ];
    // The payment of day 2 was let go; four weeks later nothing is missing.
    assert_eq!(fires(&mut engine, &after), [(1, false, true), (4, false, false)]);
}

#[test]
fn an_ordinary_week_keeps_what_it_kept() {
    let plan = plan(Span::WorkingDays(5), 0);
    let at = |day: i64, of_day: Millis| START + day * DAY + of_day;
    for (day, of_day) in [(30, 0), (31, HOUR), (35, 23 * HOUR + 59 * MINUTE)] {
        assert_eq!(plan.horizon_ms(at(day, of_day), 0), at(day, of_day) - LEDGER_RETENTION);
    }
}
