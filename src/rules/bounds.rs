//! What the language takes and what it does not: bounds of arguments, and which filters go with
//! which function. The compiler asks here, and the reference is printed from here, so that neither
//! says what the other does not.

use std::ops::RangeInclusive;

use super::catalogue::{Arg, Makes};
use super::plan::program::Type;
use crate::limits;
use crate::model::time::DAY;

/// Type of a numeric argument and the values it may have; fractions in millionths.
#[must_use]
pub fn of(arg: Arg) -> (Type, RangeInclusive<i64>) {
    match arg {
        Arg::Window => (Type::Duration, 1..=limits::WINDOW_MAX),
        Arg::Days(max) => (Type::Int, 1..=i64::from(max)),
        Arg::Weeks => (Type::Int, 1..=i64::from(limits::RHYTHM_WEEKS / 2)),
        Arg::Rank => (Type::Int, 1..=16),
        Arg::Km => (Type::Int, 1..=1_000),
        Arg::Amount => (Type::Money, 0..=limits::AMOUNT_MINOR_MAX),
        Arg::Step => (Type::Money, 1..=limits::AMOUNT_MINOR_MAX),
        Arg::Factor => (Type::Double, 1_000..=1_000_000_000),
        _ => (Type::Double, 1..=1_000_000),
    }
}

/// The bounds of an argument in words: Chinese, English.
#[must_use]
pub fn told(arg: Arg) -> (String, String) {
    let (_, range) = of(arg);
    let (least, most) = range.into_inner();
    match arg {
        Arg::Window => {
            let days = most / DAY;
            (
                format!("窗口最长 {days} 天，不得为空"),
                format!("a window is at most {days} days long, and not empty"),
            )
        }
        Arg::Days(_) => {
            (format!("天数为 {least} 至 {most}"), format!("days must be {least} to {most}"))
        }
        Arg::Weeks => {
            (format!("周数为 {least} 至 {most}"), format!("weeks must be {least} to {most}"))
        }
        Arg::Rank => (format!("k 为 {least} 至 {most}"), format!("k must be {least} to {most}")),
        Arg::Km => {
            (format!("公里数为 {least} 至 {most}"), format!("kilometres must be {least} to {most}"))
        }
        Arg::Amount | Arg::Step => {
            ("金额超出范围".to_owned(), "the amount is out of range".to_owned())
        }
        Arg::Factor => (
            "倍数为 0.001 至 1000.0，须带小数点，至多六位小数".to_owned(),
            "a factor is 0.001 to 1000.0, with a point and at most 6 digits after it".to_owned(),
        ),
        _ => (
            "比例大于 0、至多 1，须带小数点，至多六位小数".to_owned(),
            "a share is above 0 and at most 1, with a point and at most 6 digits after it"
                .to_owned(),
        ),
    }
}

/// Numeric arguments as signatures write them, for the reference.
pub const TOLD: &[(&str, Arg)] = &[
    ("window", Arg::Window),
    ("weeks", Arg::Weeks),
    ("k", Arg::Rank),
    ("km", Arg::Km),
    ("factor", Arg::Factor),
    ("share", Arg::Share),
];

/// What a filter of entries that stands once is about: filters of one sort exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// Multiples of an amount.
    Multiple,
    /// Amounts near the present one.
    Near,
    /// Hours of the day.
    Hours,
    /// The other side.
    Party,
}

/// Of which sort a filter is that stands once.
#[must_use]
pub fn once(makes: Makes) -> Option<Once> {
    match makes {
        Makes::MultipleOf => Some(Once::Multiple),
        Makes::Near => Some(Once::Near),
        Makes::Between => Some(Once::Hours),
        Makes::SameParty | Makes::Strangers => Some(Once::Party),
        _ => None,
    }
}

/// Whether a function of a flow takes no filter but `without(…)`.
#[must_use]
pub fn takes_only_without(makes: Makes) -> bool {
    matches!(makes, Makes::Dwell | Makes::Cycles)
}

/// Whether a member filters entries.
#[must_use]
pub fn is_filter(makes: Makes) -> bool {
    once(makes).is_some()
        || matches!(
            makes,
            Makes::Without
                | Makes::Only
                | Makes::OfType
                | Makes::ByChannel
                | Makes::AtLeast
                | Makes::AtMost
                | Makes::Below
        )
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::{MEMBERS, Member, Owner};
    use super::super::{SourceFile, compile, shipped};
    use super::*;

    /// Whether a rule with this feature compiles.
    fn compiles(feature: &str) -> bool {
        let text = include_str!("../../tests/lint/clean.toml");
        let with = format!("[features]\nprobe = '''{feature}'''\n");
        assert!(text.contains("[features]\n") && text.contains("alert = "), "another template");
        let text = text.replacen("[features]\n", &with, 1);
        let text = text.replacen("alert = '", "alert = 'has(probe) && ", 1);
        let mut files = shipped::files();
        files.retain(|file| ["policy.toml", "calendar.toml"].contains(&file.path.as_str()));
        files.push(SourceFile { path: "probe.toml".to_owned(), text });
        match compile(&files) {
            Ok(_) => true,
            Err(defects) => {
                assert!(defects.iter().all(|defect| defect.path == "probe.toml"), "{defects:?}");
                false
            }
        }
    }

    /// A call of a member with arguments that are good by themselves.
    fn call(member: &Member) -> String {
        let args = member.args.unwrap_or_default().iter().map(|arg| match arg {
            Arg::Flags => "'own'".to_owned(),
            Arg::Types => "'transfer'".to_owned(),
            Arg::Channels => "'mobile'".to_owned(),
            Arg::Amount | Arg::Step => "money('100.00')".to_owned(),
            Arg::Clock => "'10:00'".to_owned(),
            Arg::Rank => "2".to_owned(),
            Arg::Factor => "1.5".to_owned(),
            Arg::Window => "duration('10m')".to_owned(),
            Arg::Entries => "payer.debits(duration('1h'))".to_owned(),
            _ => "0.02".to_owned(),
        });
        format!("{}({})", member.name, args.collect::<Vec<_>>().join(", "))
    }

    fn members(owner: Owner) -> impl Iterator<Item = &'static Member> {
        MEMBERS.iter().filter(move |member| member.owner == owner)
    }

    #[test]
    fn a_second_filter_of_a_kind_is_taken_or_not_as_it_is_told() {
        let filters: Vec<&Member> =
            members(Owner::Entries).filter(|member| is_filter(member.makes)).collect();
        assert!(filters.len() > 8);
        for first in &filters {
            for second in &filters {
                let (sort, other) = (once(first.makes), once(second.makes));
                let excluded = sort.is_some() && sort == other;
                let (a, b) = (call(first), call(second));
                let asked = format!("payer.debits(duration('1h')).{a}.{b}.count()");
                assert_eq!(compiles(&asked), !excluded, "{asked}");
            }
        }
    }

    #[test]
    fn a_function_of_a_flow_takes_the_filters_that_it_is_told_to_take() {
        let (filters, functions): (Vec<&Member>, Vec<&Member>) =
            members(Owner::Flow).partition(|member| is_filter(member.makes));
        assert!(filters.len() > 8 && functions.len() > 2);
        for function in functions {
            for filter in &filters {
                let only = matches!(filter.makes, Makes::Without);
                let wanted = only || !takes_only_without(function.makes);
                let asked =
                    format!("payer.flow(duration('1h')).{}.{}", call(filter), call(function));
                assert_eq!(compiles(&asked), wanted, "{asked}");
            }
        }
    }

    #[test]
    fn bounds_are_the_last_that_are_taken() {
        let asked = [
            (Arg::Rank, "payer.debits(duration('1h')).top_share(ARG)"),
            (Arg::Weeks, "payer.debit_rhythm(ARG)"),
            (Arg::Km, "payer.opening_km(ARG)"),
        ];
        for (arg, with) in asked {
            let (least, most) = of(arg).1.into_inner();
            for (value, wanted) in
                [(least - 1, false), (least, true), (most, true), (most + 1, false)]
            {
                let asked = with.replace("ARG", &value.to_string());
                assert_eq!(compiles(&asked), wanted, "{asked}");
            }
        }
        for (value, wanted) in [("7d", true), ("604800001ms", false), ("1ms", true), ("0s", false)]
        {
            let asked = format!("payer.debits(duration('{value}')).count()");
            assert_eq!(compiles(&asked), wanted, "{asked}");
        }
        for (value, wanted) in [("0.001", true), ("0.0009", false), ("1000.0", true), ("2", false)]
        {
            let asked = format!("payer.debits(duration('1h')).climb({value})");
            assert_eq!(compiles(&asked), wanted, "{asked}");
        }
    }
}
