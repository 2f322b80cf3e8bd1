//! Windows longer than an episode lives: the same money can raise a second alert.
//!
//! What cools a matter down is `episodes.idle`. `episodes.cool_down` only spaces updates, and an
//! update needs a new rule or more weight: it says nothing twice, however short it is.

use super::ledger::{longest_window, window_place};
use super::{Context, Report, Words};
use crate::rules::plan::program::Type;
use crate::rules::text::{Language, format_value};

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    let idle_ms = context.plan.policy.episode_idle_ms;
    let words = |ms| format_value(Type::Duration, ms, context.plan.currency, None, Language::En);
    for (doc, rule) in context.rules() {
        let window_ms = longest_window(context.plan, rule);
        if window_ms <= idle_ms {
            continue;
        }
        let (about, span) = window_place(doc, window_ms);
        let words = Words {
            message: format!(
                "the window is {}, an episode ends after {} without news",
                words(window_ms),
                words(idle_ms)
            ),
            label: "outlives the episode",
            hint: "the same money can raise a second alert: lengthen episodes.idle, shorten the \
                   window, or allow it"
                .to_owned(),
        };
        report.rule("cool_down_below_window", doc, &about, span, words);
    }
}
