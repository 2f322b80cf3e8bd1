//! Two packs said by hand, and what their comparison must come to.

use super::*;
use crate::engine::StepOutput;
use crate::model::alert::{Bilingual, Confidence, EventRef, Severity, Target as About};
use crate::model::event::Position;
use crate::model::measure::Authority;
use crate::model::time::{HOUR, MINUTE};
use crate::rules::{compile, shipped};

const T0: Millis = 1_772_676_190_000;

/// An alert about an account: its id, revision, measure and time.
fn alert(account: &str, id: &str, revision: u32, action: Action, at_ms: Millis) -> Alert {
    Alert {
        alert_id: id.to_owned(),
        idempotency_key: String::new(),
        episode_id: String::new(),
        revision,
        kind: if revision == 1 { AlertKind::Raise } else { AlertKind::Escalate },
        shadow: false,
        waited_ms: None,
        action,
        authority: Authority::PoliceRequired,
        target: About {
            kind: TargetKind::Account,
            payment_id: None,
            references: [None, None, None],
            account: account.to_owned(),
            bank: None,
            name: None,
            match_amount: Some(Money { minor: 10_000, currency: Currency::CNY }),
            match_time_ms: at_ms,
        },
        control: None,
        proposal: None,
        act_by_ms: at_ms,
        severity: Severity::Low,
        score: 50,
        confidence: Confidence::Medium,
        needs_reply: false,
        reasons: Vec::new(),
        customer_reason: Bilingual::default(),
        evidence: Vec::new(),
        guards: Vec::new(),
        related: Vec::new(),
        owner_branch: None,
        suppressed: 0,
        downgraded_from: None,
        correction: None,
        event: EventRef {
            event_id: String::new(),
            position: Position { topic: 0, partition: 0, offset: 0 },
            parties: [String::new(), String::new()],
        },
        event_time_ms: at_ms,
        record_time_ms: at_ms,
    }
}

/// What one pack said at events of a step.
fn step(said: &[(u32, Alert)]) -> StepOutput {
    StepOutput {
        alerts: said.iter().map(|(_, alert)| alert.clone()).collect(),
        alert_events: said.iter().map(|(event, _)| *event).collect(),
        ..StepOutput::default()
    }
}

fn contrast() -> Contrast {
    let plan = compile(&shipped::files()).expect("the shipped pack compiles");
    Contrast::new(&plan, &plan)
}

/// Both packs' alerts, each with the number of its event.
fn compared(before: &[(u32, Alert)], after: &[(u32, Alert)]) -> EpisodesCompared {
    let mut whole = contrast();
    whole.packs(&step(before), &step(after));
    let mut cut = contrast();
    let last = before.iter().chain(after).map(|(event, _)| *event).max().unwrap_or_default();
    for event in 0..=last {
        let of = |said: &[(u32, Alert)]| -> Vec<_> {
            said.iter().filter(|(at, _)| *at == event).map(|(_, a)| (0, a.clone())).collect()
        };
        cut.packs(&step(&of(before)), &step(&of(after)));
    }
    assert_eq!(whole.figures(), cut.figures(), "where a step ends makes no difference");
    whole.figures()
}

fn counts(figures: &EpisodesCompared) -> [u64; 5] {
    let EpisodesCompared { would_raise, would_strengthen, would_weaken, unchanged, .. } = figures;
    let dropped = figures.would_drop.as_ref().map_or(u64::MAX, |sum| sum.episodes);
    let [raise, stronger, weaker, same] =
        [would_raise, would_strengthen, would_weaken, unchanged].map(|sum| sum.episodes);
    [raise, dropped, stronger, weaker, same]
}

#[test]
fn each_target_is_counted_once_by_what_either_pack_asks_for() {
    let before = [
        (0, alert("both", "b1", 1, Action::Review, T0)),
        (1, alert("dropped", "d1", 1, Action::StopPayment, T0)),
        (2, alert("weaker", "w1", 1, Action::StopPayment, T0)),
        (4, alert("stronger", "s1", 1, Action::Review, T0 + MINUTE)),
    ];
    let after = [
        (0, alert("both", "b1", 1, Action::Review, T0)),
        (2, alert("weaker", "w1", 1, Action::Review, T0)),
        (3, alert("stronger", "s0", 1, Action::Review, T0)),
        (5, alert("raised", "r1", 1, Action::Delay, T0 + MINUTE)),
        (6, alert("stronger", "s0", 2, Action::Delay, T0 + 2 * MINUTE)),
    ];
    let figures = compared(&before, &after);
    assert_eq!(counts(&figures), [1, 1, 1, 1, 1]);
    assert_eq!(figures.would_raise.amount, "100.00");
    assert_eq!(figures.examples.would_raise, ["r1"]);
    assert_eq!(figures.examples.would_drop, ["d1"]);
    assert_eq!(figures.examples.would_change, ["s0", "w1"]);
    let pair = |before, after| {
        let found = figures.by_measure.iter().find(|p| (p.before, p.after) == (before, after));
        found.map_or(0, |pair| pair.episodes)
    };
    assert_eq!(pair(Some(Action::Review), Some(Action::Delay)), 1);
    assert_eq!(pair(None, Some(Action::Delay)), 1);
    assert_eq!(figures.by_measure.len(), 5);
}

#[test]
fn episodes_far_apart_are_not_one_matter() {
    let far = T0 + 1_000 * HOUR;
    let before = [(0, alert("a", "a1", 1, Action::Review, T0))];
    let after = [(1, alert("a", "a2", 1, Action::Review, far))];
    assert_eq!(counts(&compared(&before, &after)), [1, 1, 0, 0, 0]);
    // However long an episode is silent, its revisions are its own.
    let before = [
        (0, alert("a", "a1", 1, Action::Review, T0)),
        (1, alert("a", "a1", 2, Action::Delay, far)),
    ];
    let figures = compared(&before, &[]);
    assert_eq!((counts(&figures), figures.carried_over), ([0, 1, 0, 0, 0], 0));
}

#[test]
fn an_episode_that_outlasts_two_of_the_other_pack_counts_with_each() {
    let before = [
        (0, alert("a", "long", 1, Action::Review, T0)),
        (2, alert("a", "long", 2, Action::Delay, T0 + 2 * MINUTE)),
    ];
    let after = [
        (0, alert("a", "one", 1, Action::Review, T0)),
        (1, alert("a", "two", 1, Action::Review, T0 + MINUTE)),
    ];
    let figures = compared(&before, &after);
    assert_eq!((counts(&figures), figures.carried_over), ([0, 0, 0, 1, 1], 0));
}

#[test]
fn what_had_begun_before_the_comparison_is_set_apart() {
    let before = [(1, alert("a", "a1", 4, Action::Delay, T0))];
    let after = [
        (0, alert("a", "a1", 4, Action::Delay, T0)),
        (2, alert("a", "a1", 5, Action::StopPayment, T0 + MINUTE)),
        (3, alert("b", "b1", 1, Action::Review, T0 + MINUTE)),
    ];
    let figures = compared(&before, &after);
    assert_eq!((counts(&figures), figures.carried_over), ([1, 0, 0, 0, 0], 1));
}

#[test]
fn what_is_withdrawn_is_asked_for_no_more() {
    let taken_back =
        Alert { kind: AlertKind::Withdraw, ..alert("a", "a1", 2, Action::Review, T0 + MINUTE) };
    let after = [(0, alert("a", "a1", 1, Action::Review, T0)), (1, taken_back.clone())];
    let figures = compared(&[], &after);
    assert_eq!((counts(&figures), figures.by_measure.len()), ([0; 5], 0));
    let before = [(2, alert("a", "a2", 1, Action::Review, T0 + MINUTE))];
    assert_eq!(counts(&compared(&before, &after)), [0, 1, 0, 0, 0]);
}

#[test]
fn amounts_in_another_currency_count_as_episodes_only() {
    let mut foreign = alert("a", "a1", 1, Action::Review, T0);
    let usd = Currency::parse("USD").expect("three letters");
    foreign.target.match_amount = Some(Money { minor: 100, currency: usd });
    let figures = compared(&[], &[(0, foreign)]);
    assert_eq!((figures.would_raise.episodes, figures.would_raise.amount.as_str()), (1, "0.00"));
}

#[test]
fn shadow_rules_are_held_against_the_live_ones_of_their_pack() {
    let shadow = |mut alert: Alert| {
        alert.shadow = true;
        alert
    };
    let said = [
        (0, alert("a", "a1", 1, Action::Review, T0)),
        (0, shadow(alert("a", "a9", 1, Action::Delay, T0))),
        (1, shadow(alert("b", "b9", 1, Action::Review, T0))),
    ];
    let mut rules = contrast();
    rules.rules(&step(&said));
    assert_eq!(counts(&rules.figures()), [1, 0, 1, 0, 0]);
    rules.packs(&step(&[(0, alert("c", "c1", 1, Action::Review, T0))]), &step(&[]));
    let figures = rules.figures();
    assert_eq!((counts(&figures)[1], figures.by_measure.len()), (1, 3));
    let added = figures.added_only();
    assert_eq!((added.would_drop.as_ref(), added.by_measure.len()), (None, 2));
    assert!(added.examples.would_drop.is_empty());
    // Of two packs, the shadow rules of neither count.
    let mut packs = contrast();
    packs.packs(&step(&said), &step(&said));
    assert_eq!(counts(&packs.figures()), [0, 0, 0, 0, 1]);
}
