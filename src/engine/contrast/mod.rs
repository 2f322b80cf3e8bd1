//! Two views of the same events held against each other while they run, episode by episode: what
//! the one raises and the other does not, and for what they ask.
//!
//! An episode of the one view and an episode of the other are one *matter* when they have the same
//! target and not more than the policy's idle time lies between what the two said. What is counted
//! is a table of matters by the measure that either view asks for, the strongest of its episode.
//! The table is a function of the alerts in step order: neither a step's cut nor a restart shows.

mod image;

pub use image::ContrastImage;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::StepOutput;
use crate::limits;
use crate::model::alert::{Alert, AlertKind, TargetKind};
use crate::model::measure::Action;
use crate::model::money::{Currency, Money};
use crate::model::time::Millis;
use crate::rules::plan::Plan;

/// Matters that are looked at for examples, newest first.
const LOOKED_AT_MAX: usize = 4_096;
/// Examples of each kind.
const EXAMPLES_MAX: usize = 20;

/// Which view says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The rules in force.
    Before,
    /// The rules on trial.
    After,
}

/// The comparison so far.
#[derive(Clone, Debug)]
pub struct Contrast {
    /// Amounts in another currency count as episodes only.
    currency: Currency,
    idle_ms: Millis,
    matters: BTreeMap<Target, Matter>,
    /// Targets by the time something was last said, for the bound.
    touched: BTreeSet<(Millis, Target)>,
    table: BTreeMap<Pair, Cell>,
    carried_over: u64,
}

type Target = (TargetKind, Box<str>);
/// What the views ask for, before and after.
type Pair = [Option<Action>; 2];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    episodes: u64,
    minor: i128,
}

#[derive(Clone, Debug)]
struct Matter {
    sides: [Option<Said>; 2],
    last_ms: Millis,
    /// A view had spoken before the comparison began: what it asked for then is not known.
    carried_over: bool,
}

/// What one view says of a matter.
#[derive(Clone, Debug)]
struct Said {
    alert_id: String,
    /// The strongest that was asked for; none once it is withdrawn.
    measure: Option<Action>,
    minor: i64,
    last_ms: Millis,
}

impl Matter {
    fn pair(&self) -> Pair {
        self.sides.each_ref().map(|said| said.as_ref()?.measure)
    }

    /// The amount of what first spoke: of the rules in force if they did, else of those on trial.
    fn minor(&self) -> i64 {
        let asks = |said: &&Option<Said>| said.as_ref().is_some_and(|s| s.measure.is_some());
        self.sides.iter().find(asks).and_then(Option::as_ref).map_or(0, |said| said.minor)
    }
}

impl Contrast {
    /// Nothing compared yet.
    #[must_use]
    pub fn new(before: &Plan, after: &Plan) -> Self {
        Self {
            currency: before.currency,
            idle_ms: before.policy.episode_idle_ms.max(after.policy.episode_idle_ms),
            matters: BTreeMap::new(),
            touched: BTreeSet::new(),
            table: BTreeMap::new(),
            carried_over: 0,
        }
    }

    /// Takes what two packs said of one step: of either, the alerts of its live rules.
    pub fn packs(&mut self, before: &StepOutput, after: &StepOutput) {
        self.both(live(before), live(after));
    }

    /// Takes what one pack said of one step: its live rules before, its shadow rules after.
    pub fn rules(&mut self, output: &StepOutput) {
        let shadow = said(output).filter(|(_, alert)| alert.shadow);
        self.both(live(output), shadow);
    }

    /// In order of event, so that it makes no difference where a step ends.
    fn both<'a>(
        &mut self,
        before: impl Iterator<Item = (u32, &'a Alert)>,
        after: impl Iterator<Item = (u32, &'a Alert)>,
    ) {
        let (mut before, mut after) = (before.peekable(), after.peekable());
        loop {
            let first = match (before.peek(), after.peek()) {
                (None, None) => return,
                (Some(_), None) => Side::Before,
                (None, Some(_)) => Side::After,
                (Some((old, _)), Some((new, _))) if old <= new => Side::Before,
                (Some(_), Some(_)) => Side::After,
            };
            let next = if first == Side::Before { before.next() } else { after.next() };
            if let Some((_, alert)) = next {
                self.alert(first, alert);
            }
        }
    }

    fn alert(&mut self, side: Side, alert: &Alert) {
        let target = target_of(alert);
        let at_ms = alert.event_time_ms;
        let known = self.matters.remove(&target);
        if let Some(known) = &known {
            self.touched.remove(&(known.last_ms, target.clone()));
            self.count(known, false);
        }
        let mut matter = self.matter_for(side, alert, known);
        let money = alert.target.match_amount.filter(|money| money.currency == self.currency);
        let mut said = matter.sides[side as usize].take().unwrap_or_else(|| Said {
            alert_id: alert.alert_id.clone(),
            measure: None,
            minor: money.map_or(0, |money| money.minor),
            last_ms: at_ms,
        });
        said.measure = (alert.kind != AlertKind::Withdraw)
            .then(|| said.measure.max(Some(alert.action)))
            .flatten();
        said.last_ms = said.last_ms.max(at_ms);
        matter.sides[side as usize] = Some(said);
        matter.last_ms = matter.last_ms.max(at_ms);
        self.count(&matter, true);
        self.touched.insert((matter.last_ms, target.clone()));
        self.matters.insert(target, matter);
        if self.matters.len() > limits::COMPARED_EPISODES_MAX
            && let Some((_, oldest)) = self.touched.pop_first()
        {
            // What it came to stays counted.
            self.matters.remove(&oldest);
        }
    }

    /// The matter that an alert belongs to: the one that is known, or another one.
    fn matter_for(&mut self, side: Side, alert: &Alert, known: Option<Matter>) -> Matter {
        let at_ms = alert.event_time_ms;
        let own = known.as_ref().and_then(|matter| matter.sides[side as usize].as_ref());
        let revises = own.is_some_and(|said| said.alert_id == alert.alert_id);
        let near = known.as_ref().is_some_and(|matter| at_ms - matter.last_ms <= self.idle_ms);
        let joins = revises || (own.is_none() && near);
        let began_earlier = !revises && alert.revision > 1;
        match known {
            Some(mut matter) if joins => {
                self.carried_over += u64::from(began_earlier && !matter.carried_over);
                matter.carried_over |= began_earlier;
                matter
            }
            known => {
                // The episode of the other view may go on into this matter.
                let idle_ms = self.idle_ms;
                let mut sides = [None, None];
                if let Some(matter) = known {
                    self.count(&matter, true);
                    let [before, after] = matter.sides;
                    let other = if side == Side::Before { after } else { before };
                    let goes_on = other.filter(|said| at_ms - said.last_ms <= idle_ms);
                    sides[1 - side as usize] = goes_on;
                }
                self.carried_over += u64::from(began_earlier);
                Matter { sides, last_ms: at_ms, carried_over: began_earlier }
            }
        }
    }

    /// Adds a matter to its cell, or takes it out.
    fn count(&mut self, matter: &Matter, add: bool) {
        if matter.carried_over {
            return;
        }
        let (pair, minor) = (matter.pair(), i128::from(matter.minor()));
        let cell = self.table.entry(pair).or_default();
        if add {
            cell.episodes += 1;
            cell.minor += minor;
        } else {
            cell.episodes -= 1;
            cell.minor -= minor;
        }
        if cell.episodes == 0 {
            self.table.remove(&pair);
        }
    }

    /// What it comes to.
    #[must_use]
    pub fn figures(&self) -> EpisodesCompared {
        let mut figures = EpisodesCompared {
            currency: self.currency.to_string(),
            carried_over: self.carried_over,
            ..EpisodesCompared::default()
        };
        let mut sums = [Cell::default(); Outcome::ALL.len()];
        for (pair, cell) in &self.table {
            let Some(outcome) = Outcome::of(*pair) else { continue };
            let sum = &mut sums[outcome as usize];
            sum.episodes += cell.episodes;
            sum.minor += cell.minor;
            let [before, after] = *pair;
            let Amounted { episodes, amount } = self.amounted(*cell);
            let amount_minor = i64::try_from(cell.minor).unwrap_or(i64::MAX);
            figures.by_measure.push(MeasurePair { before, after, episodes, amount, amount_minor });
        }
        let [raise, drop, stronger, weaker, same] = sums.map(|sum| self.amounted(sum));
        (figures.would_raise, figures.would_drop) = (raise, Some(drop));
        (figures.would_strengthen, figures.would_weaken) = (stronger, weaker);
        figures.unchanged = same;
        self.name_examples(&mut figures);
        figures
    }

    fn name_examples(&self, figures: &mut EpisodesCompared) {
        for (_, target) in self.touched.iter().rev().take(LOOKED_AT_MAX) {
            let Some(matter) = self.matters.get(target).filter(|m| !m.carried_over) else {
                continue;
            };
            let pair = matter.pair();
            let id = |side: Side| matter.sides[side as usize].as_ref().map(|s| s.alert_id.clone());
            let (list, id) = match Outcome::of(pair) {
                Some(Outcome::Raise) => (&mut figures.examples.would_raise, id(Side::After)),
                Some(Outcome::Drop) => (&mut figures.examples.would_drop, id(Side::Before)),
                Some(Outcome::Strengthen | Outcome::Weaken) => {
                    (&mut figures.examples.would_change, id(Side::After))
                }
                _ => continue,
            };
            if list.len() < EXAMPLES_MAX {
                list.extend(id);
            }
        }
    }

    fn amounted(&self, cell: Cell) -> Amounted {
        let minor = i64::try_from(cell.minor).unwrap_or(i64::MAX);
        let amount = Money { minor, currency: self.currency }.to_string();
        Amounted { episodes: cell.episodes, amount }
    }
}

fn said(output: &StepOutput) -> impl Iterator<Item = (u32, &Alert)> {
    output.alert_events.iter().copied().zip(&output.alerts)
}

fn live(output: &StepOutput) -> impl Iterator<Item = (u32, &Alert)> {
    said(output).filter(|(_, alert)| !alert.shadow)
}

fn target_of(alert: &Alert) -> Target {
    let target = &alert.target;
    let id = match (target.kind, &target.payment_id) {
        (TargetKind::Payment, Some(payment)) => payment,
        _ => &target.account,
    };
    (target.kind, id.as_str().into())
}

/// What a matter comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Raise,
    Drop,
    Strengthen,
    Weaken,
    Same,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Raise, Self::Drop, Self::Strengthen, Self::Weaken, Self::Same];

    /// `None`: both have taken back what they said.
    fn of([before, after]: Pair) -> Option<Self> {
        Some(match (before, after) {
            (None, None) => return None,
            (None, Some(_)) => Self::Raise,
            (Some(_), None) => Self::Drop,
            (Some(before), Some(after)) if after > before => Self::Strengthen,
            (Some(before), Some(after)) if after < before => Self::Weaken,
            (Some(_), Some(_)) => Self::Same,
        })
    }
}

/// Episodes of the rules in force against those of the rules on trial.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EpisodesCompared {
    /// Only the rules on trial ask for a measure.
    pub would_raise: Amounted,
    /// Only the rules in force do. Absent for shadow rules of the pack in force: rules that are
    /// added take nothing away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_drop: Option<Amounted>,
    /// Both do, those on trial for a stronger one.
    pub would_strengthen: Amounted,
    /// Both do, those on trial for a weaker one.
    pub would_weaken: Amounted,
    /// Both ask for the same.
    pub unchanged: Amounted,
    /// The same by what either asks for.
    pub by_measure: Vec<MeasurePair>,
    /// Of all amounts here; episodes about payments in another currency count, their amounts do
    /// not.
    pub currency: String,
    /// Episodes that had been open when the comparison began; they are in none of the figures.
    pub carried_over: u64,
    /// Ids of alerts, newest first, at most 20 of each kind.
    pub examples: ExampleAlerts,
}

impl EpisodesCompared {
    /// Without what only the rules in force ask for.
    #[must_use]
    pub fn added_only(mut self) -> Self {
        self.would_drop = None;
        self.by_measure.retain(|pair| pair.after.is_some());
        self.examples.would_drop.clear();
        self
    }
}

/// Episodes, and the money they are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Amounted {
    /// How many.
    pub episodes: u64,
    /// Sum of the payments that they began with.
    pub amount: String,
}

/// Episodes for which the two ask for this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MeasurePair {
    /// What the rules in force ask for; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Action>,
    /// What the rules on trial ask for; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Action>,
    /// How many.
    pub episodes: u64,
    /// Sum of the payments that they began with.
    pub amount: String,
    /// The same in minor units.
    #[serde(skip)]
    pub amount_minor: i64,
}

/// Alerts to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExampleAlerts {
    /// Of the rules on trial alone.
    pub would_raise: Vec<String>,
    /// Of the rules in force alone.
    pub would_drop: Vec<String>,
    /// Of the rules on trial, where both speak and ask for different measures.
    pub would_change: Vec<String>,
}

#[cfg(test)]
mod tests;
