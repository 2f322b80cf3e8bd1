//! Where windows begin and end, what counts in them, and for whom.

use goshawk::model::time::{DAY, HOUR, MINUTE, Millis};
use goshawk::rules::plan::feature::StateFeature;
use goshawk::rules::plan::view::{Direction, FlowView, Role, View};
use rstest::rstest;

use super::table::{START, check, check_from};

fn debits(window_ms: Millis) -> View {
    View { direction: Direction::Debit, window_ms, without: 0 }
}

fn credits(window_ms: Millis) -> View {
    View { direction: Direction::Credit, window_ms, without: 0 }
}

#[test]
fn an_entry_leaves_a_window_exactly_at_its_length() {
    let count = StateFeature::Count(debits(10 * MINUTE));
    let sum = StateFeature::Sum(debits(10 * MINUTE));
    let before = "
        0d 10:00:00.000 p1 settled A > B 100.00 | 1
        0d 10:09:59.999 p2 settled A > B 100.00 | 2
    ";
    let at = "
        0d 10:00:00.000 p1 settled A > B 100.00 | 1
        0d 10:10:00.000 p2 settled A > B 100.00 | 1
    ";
    let after = "
        0d 10:00:00.000 p1 settled A > B 100.00 | 1
        0d 10:10:00.001 p2 settled A > B 100.00 | 1
    ";
    for table in [before, at, after] {
        check(Role::Payer, count, table);
        // The same, weighed: one or two payments of 100.00.
        check(Role::Payer, sum, &table.replace("| 1", "| 10000").replace("| 2", "| 20000"));
    }
}

#[test]
fn the_longest_window_reaches_back_to_its_last_millisecond() {
    let table = "
        0d 10:00:00.000 p1 settled A > B 100.00 | 1
        0d 10:00:00.001 p2 settled A > B 100.00 | 2
        7d 10:00:00.000 p3 settled A > B 100.00 | 2
        7d 10:00:00.001 p4 settled A > B 100.00 | 2
    ";
    check(Role::Payer, StateFeature::Count(debits(7 * DAY)), table);
}

#[test]
fn a_window_of_one_millisecond_holds_what_happens_at_once() {
    let table = "
        0d 10:00:00.000 p1 settled A > B 100.00 | 1
        0d 10:00:00.000 p2 settled A > B 100.00 | 2
        0d 10:00:00.001 p3 settled A > B 100.00 | 1
    ";
    check(Role::Payer, StateFeature::Count(debits(1)), table);
}

#[rstest]
#[case::midnight_in_utc(START)]
#[case::midnight_at_home(START - 8 * HOUR)]
#[case::month(START + 27 * DAY)]
#[case::year(START + 361 * DAY)]
#[case::leap_day(START + 785 * DAY)]
#[case::hour(START + 5 * HOUR)]
#[case::power_of_two((1i64 << 41) - DAY)]
fn a_burst_across_a_boundary_is_one_burst(#[case] boundary: Millis) {
    let table = "
        0d 23:58:30.000 p1 settled A > B 1.00 | 1
        0d 23:59:00.000 p2 settled A > C 1.00 | 2
        0d 23:59:59.999 p3 settled A > D 1.00 | 3
        1d 00:00:00.000 p4 settled A > E 1.00 | 4
        1d 00:00:00.001 p5 settled A > F 1.00 | 5
        1d 00:08:29.999 p6 settled A > G 1.00 | 6
        1d 00:08:30.000 p7 settled A > H 1.00 | 6
    ";
    check_from(boundary - DAY, Role::Payer, StateFeature::Count(debits(10 * MINUTE)), table);
    let payees = StateFeature::Counterparties(debits(10 * MINUTE));
    check_from(boundary - DAY, Role::Payer, payees, table);
}

#[test]
fn equal_payments_with_their_own_ids_count_each_and_one_id_counts_once() {
    let table = "
        0d 10:00:00.000 p1 settled A > B 100.00 | 1
        0d 10:00:00.000 p2 settled A > B 100.00 | 2
        0d 10:00:00.000 p1 settled A > B 100.00 | duplicate
        0d 10:00:05.000 p1 settled A > B 100.00 | duplicate
        0d 10:00:05.000 p2 settled A > B 100.01 | contradiction
        0d 10:00:05.000 p2 settled A > C 100.00 | contradiction
        0d 10:00:06.000 p3 settled A > B 100.00 | 3
    ";
    check(Role::Payer, StateFeature::Count(debits(HOUR)), table);
}

#[test]
fn what_happened_later_does_not_count_for_what_arrives_late() {
    let table = "
        0d 10:00:00.000 p1 settled A > B 1.00 | 1
        0d 10:00:30.000 p2 settled A > B 1.00 | 2
        0d 10:00:10.000 p3 settled A > B 1.00 | 2
        0d 10:00:30.000 p4 settled A > B 1.00 | 4
        0d 10:00:29.999 p5 settled A > B 1.00 | 3
        0d 10:00:31.000 p6 settled A > B 1.00 | 6
    ";
    check(Role::Payer, StateFeature::Count(debits(HOUR)), table);
}

#[test]
fn a_late_event_is_taken_up_to_the_retention_and_not_beyond() {
    // Retention is 7 days and an hour before the watermark, which is two minutes behind.
    let table = "
        8d 01:02:00.000 p1 settled C > D 1.00 | 1
        1d 00:00:00.001 p2 settled A > B 1.00 | 1
        1d 00:00:00.000 p3 settled A > B 1.00 | too_late
        8d 01:02:00.000 p4 settled A > B 1.00 | 1
    ";
    check(Role::Payer, StateFeature::Count(debits(7 * DAY)), table);
}

#[test]
fn a_payment_taken_back_counts_until_then() {
    let table = "
        0d 10:00:00.000 p1 settled  A > B 1.00 | 1
        0d 10:01:00.000 p1 returned A > B 1.00 | .
        0d 10:00:59.999 p2 settled  A > B 1.00 | 2
        0d 10:01:00.000 p3 settled  A > B 1.00 | 2
        0d 10:01:30.000 p4 settled  A > B 1.00 | 3
        0d 10:01:30.000 p5 rejected A > B 1.00 | .
        0d 10:01:31.000 p6 settled  A > B 1.00 | 4
    ";
    check(Role::Payer, StateFeature::Count(debits(HOUR)), table);
}

#[test]
fn a_ledger_hears_only_what_names_its_holder() {
    let customer = "
        0d 10:00:00.000 p1 settled  A/c > B 1.00 | 1
        0d 10:01:00.000 p1 returned A   > B 1.00 | .
        0d 10:02:00.000 p2 settled  A/c > B 1.00 | 2
        0d 10:03:00.000 p2 returned A/c > B 1.00 | .
        0d 10:04:00.000 p3 settled  A/c > B 1.00 | 2
    ";
    check(Role::PayerCustomer, StateFeature::Count(debits(HOUR)), customer);
    let account = "
        0d 10:00:00.000 p1 settled  A/c > B 1.00 | 1
        0d 10:01:00.000 p1 returned A   > B 1.00 | .
        0d 10:02:00.000 p2 settled  A/c > B 1.00 | 1
    ";
    check(Role::Payer, StateFeature::Count(debits(HOUR)), account);
}

#[test]
fn the_payer_is_debited_at_once_and_the_payee_credited_on_settlement() {
    let life = "
        0d 10:00:00.000 p1 initiated A > B 5.00 | 500
        0d 10:00:01.000 p1 accepted  A > B 5.00 | .
        0d 10:00:02.000 p1 settled   A > B 5.00 | 500
        0d 10:00:03.000 p2 initiated A > B 1.00 | 600
    ";
    check(Role::Payer, StateFeature::Sum(debits(HOUR)), life);
    let paid = "
        0d 10:00:00.000 p1 initiated A > B 5.00 | 0
        0d 10:00:01.000 p1 accepted  A > B 5.00 | .
        0d 10:00:02.000 p1 settled   A > B 5.00 | 500
        0d 10:00:03.000 p2 initiated A > B 1.00 | 500
    ";
    check(Role::Payee, StateFeature::Sum(credits(HOUR)), paid);
}

#[test]
fn payer_and_payee_are_mirror_images() {
    // A pays B, B pays C, C pays A: who pays sees money out, who is paid sees money in.
    let table = |[p1, p2, p3]: [&str; 3]| {
        format!(
            "
            0d 10:00:00.000 p1 settled A > B 1.00 | {p1}
            0d 10:01:00.000 p2 settled B > C 2.00 | {p2}
            0d 10:02:00.000 p3 settled C > A 4.00 | {p3}
            "
        )
    };
    let out = StateFeature::Sum(debits(HOUR));
    let come = StateFeature::Sum(credits(HOUR));
    check(Role::Payer, out, &table(["100", "200", "400"]));
    check(Role::Payer, come, &table(["0", "100", "200"]));
    check(Role::Payee, come, &table(["100", "200", "400"]));
    check(Role::Payee, out, &table(["0", "0", "100"]));
}

#[test]
fn money_is_followed_first_in_first_out() {
    // 10 stays a minute, 10 stays two: the lower median of equal weights is the shorter stay.
    let table = "
        0d 10:00:00.000 p1 settled X > A 10.00 | -
        0d 10:01:00.000 p2 settled A > B 10.00 | 60000
        0d 10:02:00.000 p3 settled Y > A 10.00 | -
        0d 10:04:00.000 p4 settled A > B 10.00 | 60000
        0d 10:05:00.000 p5 settled A > B 99.00 | 60000
    ";
    check(Role::Payer, StateFeature::Dwell(FlowView { window_ms: HOUR, without: 0 }), table);
}

#[test]
fn sleep_is_measured_from_the_last_debit_before_the_window() {
    let table = "
        0d 10:00:00.000 p1 settled A > B 1.00 | -
        0d 10:30:00.000 p2 settled A > B 1.00 | -
        0d 11:00:00.000 p3 settled A > B 1.00 | 0
        0d 11:29:59.999 p4 settled A > B 1.00 | 1799999
        0d 11:30:00.000 p5 settled A > B 1.00 | 0
    ";
    check(Role::Payer, StateFeature::IdleBefore(HOUR), table);
    let long = "
        0d 10:00:00.000 p1 settled A > B 1.00 | -
        60d 11:00:00.000 p2 settled A > B 1.00 | 5184000000
    ";
    check(Role::Payer, StateFeature::IdleBefore(HOUR), long);
}

#[test]
fn a_payee_is_known_for_180_days() {
    let count = "
        0d 10:00:00.000 p1 settled A > B 1.00 | 0
        1d 10:00:00.000 p2 settled A > B 1.00 | 1
        1d 10:00:00.000 p3 settled A > C 1.00 | 0
        181d 10:00:00.000 p4 settled A > B 1.00 | 2
        182d 10:00:00.000 p5 settled A > C 1.00 | 0
    ";
    check(Role::Payer, StateFeature::PairCount(180), count);
    let age = "
        0d 10:00:00.000 p1 settled A > B 1.00 | -
        0d 10:00:01.000 p2 settled A > B 1.00 | 0
        10d 10:00:00.000 p3 settled A > B 1.00 | 10
        190d 10:00:00.000 p4 settled A > B 1.00 | 190
        371d 10:00:00.000 p5 settled A > B 1.00 | -
    ";
    check(Role::Payer, StateFeature::PairAgeDays, age);
}

#[test]
fn history_counts_whole_days_at_home_without_the_present_payment() {
    // Days turn at 16:00 UTC: midnight at UTC+8.
    let table = "
        0d 15:59:59.999 p1 settled A > B 1.00 | 0
        0d 16:00:00.000 p2 settled A > B 1.00 | 1
        1d 15:59:59.999 p3 settled A > B 1.00 | 2
        1d 16:00:00.000 p4 settled A > B 1.00 | 2
    ";
    check(Role::Payer, StateFeature::HistoryCount(Direction::Debit, 2), table);
    let paid = "
        0d 10:00:00.000 p1 settled A > B 1.00 | 0
        0d 10:00:01.000 p2 settled C > B 2.00 | 100
        20d 10:00:00.000 p3 settled C > B 4.00 | 300
        89d 10:00:00.000 p4 settled C > B 8.00 | 700
        90d 10:00:00.000 p5 settled C > B 1.00 | 1200
    ";
    check(Role::Payee, StateFeature::HistorySum(Direction::Credit, 90), paid);
    // What settles after its own debit has left the ledger counts itself.
    let slow = "
        0d 10:00:00.000 p1 initiated A > B 1.00 | 0
        5d 10:00:00.000 p1 accepted  A > B 1.00 | .
        6d 10:00:00.000 p1 settled   A > B 1.00 | 0
        6d 11:00:00.000 p2 initiated A > B 1.00 | 1
        12d 10:00:00.000 p2 accepted A > B 1.00 | .
        14d 10:00:00.000 p2 settled  A > B 1.00 | 2
    ";
    check(Role::Payer, StateFeature::HistoryCount(Direction::Debit, 30), slow);
}
