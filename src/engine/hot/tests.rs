//! Whatever happens to a large ledger, its running sums say what reading it says.

use proptest::prelude::*;
use smallvec::SmallVec;

use super::Answer;
use crate::engine::entry::Movement;
use crate::engine::group::ShardState;
use crate::engine::register::EntryAction;
use crate::engine::window::{AsOf, Own, Scratch};
use crate::limits;
use crate::model::entity::{EntityKind, KeyHash, Reference};
use crate::model::event::{Channel, PaymentType};
use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::query::{Hours, Measure, PartyFilter, Query};
use crate::rules::plan::view::{Direction, FlowView, View, flag};

const OFFSET: Millis = 8 * HOUR;
const START: Millis = 1_767_571_200_000;

/// One thing that happens; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Happens {
    Passes(Millis),
    Pays {
        late: Millis,
        party: u64,
        minor: i64,
        debit: bool,
        flags: u16,
        foreign: bool,
    },
    /// A payment is taken back now.
    Voids(usize),
    /// A payment turns out to have begun earlier.
    Moves(usize, Millis),
}

fn happens() -> impl Strategy<Value = Happens> {
    let gap = prop_oneof![
        8 => 0..2 * SECOND,
        6 => 0..5 * MINUTE,
        4 => 0..3 * HOUR,
        2 => 0..2 * DAY,
        1 => 170 * DAY..190 * DAY,
    ];
    let late = prop_oneof![6 => Just(0), 2 => 0..2 * HOUR, 1 => 0..3 * DAY];
    let flags = prop_oneof![4 => Just(0), 1 => Just(flag::OWN), 1 => Just(flag::LOAN)];
    let amount = prop_oneof![1i64..300, Just(100), 1i64..1_000_000];
    let parties = prop_oneof![0u64..6, 0u64..400];
    let pays = (late, parties, amount, any::<bool>(), flags, prop::bool::weighted(0.05)).prop_map(
        |(late, party, minor, debit, flags, foreign)| Happens::Pays {
            late,
            party,
            minor,
            debit,
            flags,
            foreign,
        },
    );
    prop_oneof![
        3 => gap.prop_map(Happens::Passes),
        24 => pays,
        1 => any::<usize>().prop_map(Happens::Voids),
        1 => (any::<usize>(), 0..2 * DAY).prop_map(|(which, by)| Happens::Moves(which, by)),
    ]
}

fn questions() -> (Vec<StateFeature>, Vec<Query>) {
    let view = |direction, window_ms, without| View { direction, window_ms, without };
    let mut features = Vec::new();
    for window_ms in [10 * MINUTE, HOUR, DAY, 7 * DAY] {
        for direction in [Direction::Credit, Direction::Debit] {
            let view = view(direction, window_ms, flag::OWN);
            features.extend([
                StateFeature::Count(view),
                StateFeature::Sum(view),
                StateFeature::Counterparties(view),
                StateFeature::TopShare(view, 2),
            ]);
        }
        features.push(StateFeature::FlowRatio(FlowView { window_ms, without: flag::OWN }));
    }
    let mut queries = Vec::new();
    for window_ms in [HOUR, DAY, 7 * DAY] {
        for direction in [None, Some(Direction::Credit)] {
            let all = Query::all(direction, window_ms);
            for party in [PartyFilter::Any, PartyFilter::Same, PartyFilter::Stranger] {
                let night = Hours { from_min: 20 * 60, to_min: 4 * 60 };
                queries.extend([
                    Query { party, ..all },
                    Query { party, without: flag::OWN, least_minor: 100, ..all },
                    Query { party, only: flag::LOAN, multiple_minor: 100, ..all },
                    Query { party, hours: Some(night), below_minor: 500_000, ..all },
                ]);
            }
        }
    }
    for number in 0..queries.len() as u16 {
        let measures = [Measure::Count, Measure::Sum, Measure::Average, Measure::Counterparties];
        features.extend(measures.map(|measure| StateFeature::Asked(number, measure)));
        if queries[usize::from(number)].party == PartyFilter::Any {
            let measures = [Measure::NewShare, Measure::TopShare(1)];
            features.extend(measures.map(|measure| StateFeature::Asked(number, measure)));
        }
    }
    (features, queries)
}

fn read(as_of: &mut AsOf<'_>, feature: &StateFeature, queries: &[Query]) -> i64 {
    let scratch = &mut Scratch::default();
    match feature {
        StateFeature::Count(view) => as_of.count(view),
        StateFeature::Sum(view) => as_of.sum(view),
        StateFeature::Counterparties(view) => as_of.counterparties(view, scratch),
        StateFeature::TopShare(view, k) => as_of.top_share(view, *k, scratch),
        StateFeature::FlowRatio(flow) => as_of.flow_ratio(flow),
        StateFeature::Asked(query, measure) => as_of.ask(&queries[usize::from(*query)], *measure),
        other => unreachable!("{other:?} is not asked here"),
    }
}

fn party(number: u64) -> Reference {
    Reference::from_bits(number + 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn running_sums_say_what_reading_says(
        history in prop::collection::vec(happens(), 100..400),
    ) {
        let (features, queries) = questions();
        let mut plans = Vec::new();
        let answers: Vec<Answer> =
            features.iter().filter_map(|f| Answer::of(f, &queries, &mut plans)).collect();
        prop_assert_eq!(answers.len(), features.len());
        let mut shard = ShardState::default();
        let slot = shard.table.intern(KeyHash(7), EntityKind::Account, b"hot");
        let mut made: Vec<Movement> = Vec::new();
        let (mut now, mut answered) = (START, 0);
        for (number, happens) in history.into_iter().enumerate() {
            let step = match happens {
                Happens::Passes(gap) => {
                    now += gap;
                    continue;
                }
                Happens::Pays { late, party: who, minor, debit, flags, foreign } => {
                    let direction = if debit { Direction::Debit } else { Direction::Credit };
                    made.push(Movement {
                        time_ms: now - late,
                        direction,
                        flags,
                        foreign,
                        payment_type: PaymentType::Transfer,
                        channel: Channel::Mobile,
                        amount_minor: minor,
                        counterparty: party(who),
                        fingerprint: number as u32,
                    });
                    let time_ms = now - late;
                    made.last().map(|m| (*m, EntryAction::Insert { time_ms, void_ms: None }))
                }
                Happens::Voids(which) if !made.is_empty() => {
                    let movement = made.swap_remove(which % made.len());
                    let time_ms = movement.time_ms;
                    Some((movement, EntryAction::Void { time_ms, void_ms: now }))
                }
                Happens::Moves(which, by) if !made.is_empty() => {
                    let which = which % made.len();
                    let from_ms = made[which].time_ms;
                    made[which].time_ms -= by;
                    Some((made[which], EntryAction::Move { from_ms, to_ms: from_ms - by }))
                }
                Happens::Voids(_) | Happens::Moves(..) => None,
            };
            let horizon_ms = now - limits::LEDGER_RETENTION;
            shard.evict(slot, horizon_ms, OFFSET);
            shard.advance_hot(slot, now, &plans, OFFSET);
            let Some((movement, action)) = step else { continue };
            shard.enter(slot, action, &movement);
            let hot = shard.table.headers[slot as usize].extra.as_mut().and_then(|e| e.hot.take());
            let Some(hot) = hot else { continue };
            let own = Own {
                fingerprint: movement.fingerprint,
                amount_minor: movement.amount_minor,
                debit_ms: movement.time_ms,
                credit_ms: now,
                payee: None,
                other: movement.counterparty,
                foreign: false,
            };
            let as_of = |shard: &ShardState, ask: &mut dyn FnMut(&mut AsOf<'_>) -> Option<i64>| {
                let entries = shard.slab.entries(&shard.table.headers[slot as usize].ring);
                let mut as_of = AsOf {
                    entries: entries.up_to(entries.count_until(now)),
                    time_ms: now,
                    by_ledger: false,
                    earlier_ms: now,
                    extra: shard.extra(slot),
                    horizon_ms,
                    utc_offset_ms: OFFSET,
                    own,
                    lower_bound: false,
                    asked: SmallVec::new(),
                };
                ask(&mut as_of).map(|value| (value, as_of.lower_bound))
            };
            let reads: Vec<_> = features
                .iter()
                .map(|f| as_of(&shard, &mut |as_of| Some(read(as_of, f, &queries))))
                .collect();
            shard.table.headers[slot as usize].extra.get_or_insert_default().hot = Some(hot);
            // Others are only kept later, or not any more: those are read.
            let asked: Vec<u16> =
                (0..plans.len() as u16).filter(|n| (number + usize::from(*n)) % 3 == 0).collect();
            shard.with_hot(slot, |hot, ledger| hot.asked(ledger, &plans, &asked));
            for ((feature, answer), expected) in features.iter().zip(&answers).zip(reads) {
                let told = as_of(&shard, &mut |as_of| as_of.answer(*answer));
                if let Some(told) = told {
                    answered += 1;
                    let query = match feature {
                        StateFeature::Asked(query, _) => Some(queries[usize::from(*query)]),
                        _ => None,
                    };
                    prop_assert_eq!(Some(told), expected, "{:?} {:?} at {}", feature, query, number);
                }
            }
        }
        prop_assume!(answered > 0);
    }
}

#[test]
fn a_window_that_nobody_asks_any_more_is_let_go_of() {
    let queries = [Query { party: PartyFilter::Stranger, ..Query::all(None, DAY) }];
    let mut plans = Vec::new();
    Answer::of(&StateFeature::Asked(0, Measure::Count), &queries, &mut plans);
    let mut shard = ShardState::default();
    let slot = shard.table.intern(KeyHash(7), EntityKind::Account, b"hot");
    let pays = |number: u32| Movement {
        time_ms: START + Millis::from(number),
        direction: Direction::Credit,
        flags: 0,
        foreign: false,
        payment_type: PaymentType::Transfer,
        channel: Channel::Mobile,
        amount_minor: 1,
        counterparty: party(u64::from(number)),
        fingerprint: number,
    };
    let mut bytes = Vec::new();
    for number in 0..4 * limits::HOT_IDLE_VISITS {
        let movement = pays(number);
        shard.advance_hot(slot, movement.time_ms, &plans, OFFSET);
        let time_ms = movement.time_ms;
        shard.enter(slot, EntryAction::Insert { time_ms, void_ms: None }, &movement);
        if number < limits::HOT_IDLE_VISITS {
            shard.with_hot(slot, |hot, ledger| hot.asked(ledger, &plans, &[0]));
        }
        bytes.push(shard.extra(slot).and_then(|e| e.hot.as_ref()).map_or(0, |hot| hot.bytes()));
    }
    let (kept, idle) = (bytes[limits::HOT_IDLE_VISITS as usize - 1], bytes[bytes.len() - 1]);
    assert!(idle * 10 < kept, "{idle} bytes are left of {kept}");
}
