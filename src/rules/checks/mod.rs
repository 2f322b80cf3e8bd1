//! Checks of a pack as a whole: one check a file, each a function over the pack as written.

mod bands_rise;
mod duplicate_ids;
mod empty_words;
mod example_balance;
mod four_eyes;
mod lint_allows;
mod list_guards;
mod measures_fit;
mod names;
mod phases_and_targets;
mod rule_count;
mod weak_never_alone;

use super::diagnostics::Sink;
use super::source::Pack;

/// Every check.
const CHECKS: &[fn(&Pack, &mut Sink<'_>)] = &[
    bands_rise::check,
    duplicate_ids::check,
    empty_words::check,
    example_balance::check,
    four_eyes::check,
    lint_allows::check,
    list_guards::check,
    measures_fit::check,
    names::check,
    phases_and_targets::check,
    rule_count::check,
    weak_never_alone::check,
];

/// Runs every check.
pub(super) fn run(pack: &Pack, sink: &mut Sink<'_>) {
    for check in CHECKS {
        check(pack, sink);
    }
}
