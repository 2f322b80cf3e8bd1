//! Questions to a ledger as an author would write them.

use super::spelling::{between, duration, flags, without, words};
use crate::model::event::{Channel, PaymentType};
use crate::model::money::{Currency, format_decimal};
use crate::rules::plan::query::{Measure, PartyFilter, Query};
use crate::rules::plan::view::Direction;

/// A question as expressions write it after its role.
#[must_use]
pub fn asked(query: &Query, measure: Measure, currency: Currency) -> String {
    format!("{}.{}", entries(query, currency), measured(measure))
}

/// The entries of a question as expressions write them after its role.
#[must_use]
pub fn entries(query: &Query, currency: Currency) -> String {
    let money = |minor: i64| format!("money('{}')", format_decimal(minor, currency.exponent()));
    let window = match query.working_days {
        0 => duration(query.window_ms),
        days => format!("{days}wd"),
    };
    let mut text = match query.direction {
        Some(Direction::Credit) => format!("credits(duration('{window}'))"),
        Some(Direction::Debit) => format!("debits(duration('{window}'))"),
        None => format!("flow(duration('{window}'))"),
    };
    text += &without(query.without);
    text += &words(".only", &flags(query.only));
    text += &words(".of_type", &numbered(PaymentType::WORDS, query.types));
    text += &words(".by_channel", &numbered(Channel::WORDS, query.channels));
    if query.least_minor > 0 {
        text += &format!(".at_least({})", money(query.least_minor));
    }
    if query.below_minor < i64::MAX {
        text += &format!(".below({})", money(query.below_minor));
    }
    if query.multiple_minor > 1 {
        text += &format!(".multiple_of({})", money(query.multiple_minor));
    }
    if let Some(ppm) = query.near_ppm {
        text += &format!(".near({})", millionths(ppm));
    }
    if let Some(hours) = query.hours {
        text += &format!(".{}", between(hours));
    }
    match query.party {
        PartyFilter::Any => {}
        PartyFilter::Same => text += ".same_party()",
        PartyFilter::Stranger => text += ".strangers()",
    }
    text
}

fn measured(measure: Measure) -> String {
    match measure {
        Measure::Count => "count()".to_owned(),
        Measure::Sum => "sum()".to_owned(),
        Measure::Max => "max()".to_owned(),
        Measure::Min => "min()".to_owned(),
        Measure::Average => "average()".to_owned(),
        Measure::Deviation => "deviation()".to_owned(),
        Measure::Counterparties => "counterparties()".to_owned(),
        Measure::NewShare => "new_share()".to_owned(),
        Measure::TopShare(k) => format!("top_share({k})"),
        Measure::ValueShare(k) => format!("value_share({k})"),
        Measure::Climb(ppm) => format!("climb({})", millionths(ppm)),
        Measure::ClimbFrom(ppm) => format!("climb_from({})", millionths(ppm)),
        Measure::SinceFirst => "since_first()".to_owned(),
        Measure::SinceLast => "since_last()".to_owned(),
        Measure::Ratio => "ratio()".to_owned(),
    }
}

fn millionths(ppm: u32) -> String {
    format!("{:?}", f64::from(ppm) / 1e6)
}

fn numbered<T: Copy>(set: &[(&'static str, T)], mask: u16) -> Vec<&'static str> {
    let numbers = set.iter().enumerate().filter(|(number, _)| mask >> number & 1 == 1);
    numbers.map(|(_, (word, _))| *word).collect()
}
