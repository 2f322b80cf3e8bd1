//! Payments that rules wait for, as events with their texts, in the order in which they will be
//! judged.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::entry::Entry;
use super::super::register::{EntryAction, Outcome, Transition};
use super::super::waits::{Cell, Entries, Wait, Waits};
use super::payments::renumbered;
use super::{ImageError, PaymentEvent, of_number};
use crate::model::event::Body;
use crate::model::time::Millis;

/// Payments that are waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitsImage(Vec<WaitRow>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct WaitRow {
    event: PaymentEvent,
    within_ms: Millis,
    debit: [u64; 3],
    credit: Option<[u64; 3]>,
    transition: TransitionRow,
}

/// What a status event meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TransitionRow {
    outcome: u8,
    debit: ActionRow,
    credit: ActionRow,
    debit_ms: Millis,
    pre: bool,
    post: bool,
    leads: bool,
}

/// What a ledger had to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ActionRow {
    None,
    Insert { time_ms: Millis, void_ms: Option<Millis> },
    Move { from_ms: Millis, to_ms: Millis },
    Void { time_ms: Millis, void_ms: Millis },
}

const OUTCOMES: &[(&str, Outcome)] = &[
    ("scored", Outcome::Scored),
    ("duplicate", Outcome::Duplicate),
    ("contradiction", Outcome::Contradiction),
];

impl WaitsImage {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts other numbers in the place of the topics'.
    ///
    /// # Errors
    /// [`ImageError`], when a topic has no new number.
    pub fn renumber_topics(&mut self, numbers: &[u16]) -> Result<(), ImageError> {
        for row in &mut self.0 {
            row.event.topic = renumbered(numbers, row.event.topic)?;
        }
        Ok(())
    }

    pub(in super::super) fn of(cells: &[Arc<Cell>]) -> Self {
        let row = |wait: &Arc<Wait>| {
            let Wait { event, text, within_ms, entries, transition } = &**wait;
            let Entries { debit, credit } = *entries;
            // Only payments are waited for.
            let Body::Payment(payment) = &event.body else { return None };
            Some(WaitRow {
                event: PaymentEvent::of(event, payment, text),
                within_ms: *within_ms,
                debit: debit.words(),
                credit: credit.map(Entry::words),
                transition: transition_row(transition),
            })
        };
        Self(cells.iter().flat_map(|cell| cell.values()).filter_map(row).collect())
    }

    pub(in super::super) fn restore(&self) -> Result<Waits, ImageError> {
        let wait = |row: &WaitRow| {
            let (event, text) = row.event.event()?;
            Ok(Wait {
                event,
                text,
                within_ms: row.within_ms,
                entries: Entries {
                    debit: Entry::of_words(row.debit),
                    credit: row.credit.map(Entry::of_words),
                },
                transition: transition_of(&row.transition)?,
            })
        };
        let waits: Result<Vec<Wait>, ImageError> = self.0.iter().map(wait).collect();
        waits.map(Waits::take_back)
    }
}

fn transition_row(transition: &Transition) -> TransitionRow {
    let Transition { outcome, debit, credit, debit_ms, pre, post, leads } = *transition;
    let [debit, credit] = [debit, credit].map(action_row);
    TransitionRow { outcome: outcome as u8, debit, credit, debit_ms, pre, post, leads }
}

fn transition_of(row: &TransitionRow) -> Result<Transition, ImageError> {
    Ok(Transition {
        outcome: of_number("outcome", OUTCOMES, row.outcome)?,
        debit: action_of(&row.debit),
        credit: action_of(&row.credit),
        debit_ms: row.debit_ms,
        pre: row.pre,
        post: row.post,
        leads: row.leads,
    })
}

fn action_row(action: EntryAction) -> ActionRow {
    match action {
        EntryAction::None => ActionRow::None,
        EntryAction::Insert { time_ms, void_ms } => ActionRow::Insert { time_ms, void_ms },
        EntryAction::Move { from_ms, to_ms } => ActionRow::Move { from_ms, to_ms },
        EntryAction::Void { time_ms, void_ms } => ActionRow::Void { time_ms, void_ms },
    }
}

fn action_of(row: &ActionRow) -> EntryAction {
    match *row {
        ActionRow::None => EntryAction::None,
        ActionRow::Insert { time_ms, void_ms } => EntryAction::Insert { time_ms, void_ms },
        ActionRow::Move { from_ms, to_ms } => EntryAction::Move { from_ms, to_ms },
        ActionRow::Void { time_ms, void_ms } => EntryAction::Void { time_ms, void_ms },
    }
}
