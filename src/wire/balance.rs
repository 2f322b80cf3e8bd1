//! What became of records, by run, in records and in amounts: counted once from what the source
//! handed out and once from what the engine says, so that the two can be held against each other.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::{Ending, StepOutput};
use crate::limits;
use crate::model::event::{Body, Event, Position};
use crate::model::money::Currency;
use crate::source::{Run, Step};

/// Stands for the currencies beyond [`limits::CURRENCIES_COUNTED_MAX`].
pub const OTHER: &str = "other";

/// What became of the records of one run, or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Records taken from the source.
    pub records: u64,
    /// Payments judged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scored: u64,
    /// Events of other kinds applied.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub applied: u64,
    /// Payment events that repeat a known status.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub duplicates: u64,
    /// Rows of a file that its mapping leaves out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// Records that could not become events, or that the engine turned away.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rejected: u64,
    /// Amounts of payments by currency code; `other` for all beyond the first few currencies.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub amounts: BTreeMap<String, Amounts>,
}

/// Sums of amounts in minor units, written as text: they may pass what a JSON number holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// Of payments taken from the source.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub consumed: i128,
    /// Of those judged.
    #[serde(default, with = "text", skip_serializing_if = "is_none")]
    #[schemars(with = "String")]
    pub scored: i128,
    /// Of those that repeat a known status.
    #[serde(default, with = "text", skip_serializing_if = "is_none")]
    #[schemars(with = "String")]
    pub duplicate: i128,
    /// Of those turned away.
    #[serde(default, with = "text", skip_serializing_if = "is_none")]
    #[schemars(with = "String")]
    pub rejected: i128,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn is_none(sum: &i128) -> bool {
    *sum == 0
}

/// 128-bit sums as text.
mod text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(sum: &i128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(sum)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(|_| D::Error::custom("an amount is a whole number in minor units"))
    }
}

impl Amounts {
    /// Consumed less what it became; 0 unless there is a defect.
    #[must_use]
    pub fn difference(&self) -> i128 {
        self.consumed - self.scored - self.duplicate - self.rejected
    }

    fn add(&mut self, other: &Self) {
        self.consumed += other.consumed;
        self.scored += other.scored;
        self.duplicate += other.duplicate;
        self.rejected += other.rejected;
    }
}

impl Balance {
    /// Records less what they became; 0 unless there is a defect.
    #[must_use]
    pub fn difference(&self) -> i128 {
        let ended = [self.scored, self.applied, self.duplicates, self.skipped, self.rejected];
        i128::from(self.records) - ended.into_iter().map(i128::from).sum::<i128>()
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.scored += other.scored;
        self.applied += other.applied;
        self.duplicates += other.duplicates;
        self.skipped += other.skipped;
        self.rejected += other.rejected;
        for (code, amounts) in &other.amounts {
            self.of(code).add(amounts);
        }
    }

    /// A payment was taken from the source.
    pub fn consume(&mut self, currency: Currency, minor: i64) {
        self.of(currency.code()).consumed += i128::from(minor);
    }

    /// The amounts of a currency, or those of all others once there are too many.
    fn of(&mut self, code: &str) -> &mut Amounts {
        let full = self.amounts.len() >= limits::CURRENCIES_COUNTED_MAX;
        let code = if full && !self.amounts.contains_key(code) { OTHER } else { code };
        if !self.amounts.contains_key(code) {
            self.amounts.insert(code.to_owned(), Amounts::default());
        }
        self.amounts.get_mut(code).expect("it is there, or was just put there")
    }
}

/// A balance being counted: currencies are few, and are found faster in a short list.
#[derive(Clone, Default)]
struct Count {
    balance: Balance,
    amounts: Vec<(Currency, Amounts)>,
    /// Of the currencies for which the list has no room.
    other: Option<Amounts>,
}

impl Count {
    fn of(&mut self, currency: Currency) -> &mut Amounts {
        if let Some(found) = self.amounts.iter().position(|(code, _)| *code == currency) {
            return &mut self.amounts[found].1;
        }
        if self.amounts.len() >= limits::CURRENCIES_COUNTED_MAX {
            return self.other.get_or_insert_default();
        }
        self.amounts.push((currency, Amounts::default()));
        let last = self.amounts.len() - 1;
        &mut self.amounts[last].1
    }

    fn consume(&mut self, event: &Event) {
        self.balance.records += 1;
        if let Body::Payment(payment) = &event.body {
            let minor = i128::from(payment.amount.minor);
            self.of(payment.amount.currency).consumed += minor;
        }
    }

    fn end(&mut self, event: &Event, ending: Ending) {
        let count = match ending {
            Ending::Scored => &mut self.balance.scored,
            Ending::Applied => &mut self.balance.applied,
            Ending::Duplicate => &mut self.balance.duplicates,
            Ending::Rejected => &mut self.balance.rejected,
        };
        *count += 1;
        let Body::Payment(payment) = &event.body else { return };
        let amounts = self.of(payment.amount.currency);
        let sum = match ending {
            Ending::Scored => &mut amounts.scored,
            Ending::Duplicate => &mut amounts.duplicate,
            Ending::Rejected => &mut amounts.rejected,
            // A payment is never merely applied: the difference shows it.
            Ending::Applied => return,
        };
        *sum += i128::from(payment.amount.minor);
    }

    fn done(self) -> Balance {
        let named = self.amounts.into_iter().map(|(code, sums)| (code.code().to_owned(), sums));
        let other = self.other.map(|sums| (OTHER.to_owned(), sums));
        Balance { amounts: named.chain(other).collect(), ..self.balance }
    }
}

/// The balance of each run of a step, in the runs' order. Rows that were skipped belong to the
/// first run: only files have such, and their steps have one run.
#[must_use]
pub fn of_step(step: &Step, output: &StepOutput) -> Vec<Balance> {
    let mut counts = vec![Count::default(); step.runs.len()];
    let places = Places::new(&step.runs);
    for event in &step.batch.events {
        if let Some(index) = places.of(event.position) {
            counts[index].consume(event);
        }
    }
    for (event, ending) in step.batch.events.iter().zip(&output.endings) {
        if let Some(index) = places.of(event.position) {
            counts[index].end(event, *ending);
        }
    }
    for rejected in &step.rejected {
        if let Some(index) = places.of(rejected.reject.position) {
            counts[index].balance.records += 1;
            counts[index].balance.rejected += 1;
        }
    }
    if let Some(count) = counts.first_mut() {
        count.balance.records += step.skipped;
        count.balance.skipped += step.skipped;
    }
    counts.into_iter().map(Count::done).collect()
}

/// Runs by topic and partition.
struct Places(Vec<Vec<Option<usize>>>);

impl Places {
    fn new(runs: &[Run]) -> Self {
        let mut places: Vec<Vec<Option<usize>>> = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            let (topic, partition) = (usize::from(run.topic), place(run.partition));
            if places.len() <= topic {
                places.resize(topic + 1, Vec::new());
            }
            let partitions = &mut places[topic];
            if partitions.len() <= partition {
                partitions.resize(partition + 1, None);
            }
            partitions[partition] = Some(index);
        }
        Self(places)
    }

    fn of(&self, position: Position) -> Option<usize> {
        *self.0.get(usize::from(position.topic))?.get(place(position.partition))?
    }
}

fn place(partition: i32) -> usize {
    usize::try_from(partition).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_text_and_zeros_are_left_out() {
        let mut balance = Balance { records: 2, scored: 1, rejected: 1, ..Balance::default() };
        balance.consume(Currency::CNY, 5);
        let text = r#"{"records":2,"scored":1,"rejected":1,"amounts":{"CNY":{"consumed":"5"}}}"#;
        assert_eq!(serde_json::to_string(&balance).expect("plain data"), text);
        assert_eq!(serde_json::from_str::<Balance>(text).expect("reads"), balance);
        assert_eq!((balance.difference(), balance.amounts["CNY"].difference()), (0, 5));
    }

    #[test]
    fn currencies_beyond_the_bound_are_counted_together() {
        let mut balance = Balance::default();
        let currencies = (b'A'..=b'Z').flat_map(|a| (b'A'..=b'Z').map(move |b| [b'X', a, b]));
        let codes: Vec<_> = currencies.map(|c| String::from_utf8_lossy(&c).into_owned()).collect();
        for code in &codes {
            balance.consume(Currency::parse(code).expect("three capitals"), 1);
        }
        assert_eq!(balance.amounts.len(), limits::CURRENCIES_COUNTED_MAX + 1);
        let rest = codes.len() - limits::CURRENCIES_COUNTED_MAX;
        assert_eq!(balance.amounts[OTHER].consumed, rest as i128);
        let mut twice = balance.clone();
        twice.add(&balance);
        assert_eq!(twice.amounts.len(), balance.amounts.len());
        let sum: i128 = twice.amounts.values().map(|amounts| amounts.consumed).sum();
        assert_eq!(sum, 2 * codes.len() as i128);
    }
}
