//! Remarks on a pack that compiles: rules that cannot do what their author meant.
//!
//! One remark a file, each a function over the pack as written and the plan made of it. A rule that
//! means it says so, with the reason:
//!
//! ```toml
//! [[lint.allow]]
//! code   = "window_beyond_ledger"
//! reason = "seven days by the typology"
//! ```
//!
//! A guard says so in `[[guards.lint.allow]]`, the policy in its own file.
//!
//! - [`range`], [`possible`]: which values a row can hold, and whether a condition can hold
//! - [`cost`]: what a rule costs at each payment
//! - [`words`]: the expressions of a rule as written
//! - `mutants`: every threshold moved by one unit; running them is the caller's business

mod bands;
mod caps;
pub mod cost;
mod edges;
mod episodes;
mod ledger;
mod outcome;
mod possible;
mod range;
mod subsumed;
mod supports;
mod texts;
mod thresholds;
mod units;
mod unused;
mod weights;
pub(super) mod words;

use std::collections::BTreeSet;
use std::ops::Range;

use super::diagnostics::Diagnostic;
use super::document::Text;
use super::mutants::Mutant;
use super::plan::{Plan, RulePlan};
use super::source::{AllowDoc, GuardDoc, Pack, RuleDoc};
use super::{SourceFile, compile, diagnostics::Sink, sorted, source};

/// A sort of remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lint {
    /// Its code, as `[[lint.allow]]` names it.
    pub code: &'static str,
    /// What it means, in Chinese.
    pub zh: &'static str,
    /// What it means, in English.
    pub en: &'static str,
}

/// Every sort of remark.
#[rustfmt::skip]
pub const LINTS: &[Lint] = &[
    Lint { code: "never_true", zh: "条件永远不成立", en: "a condition can never hold" },
    Lint { code: "always_true", zh: "条件只要可判断就成立", en: "a condition holds whenever it can be evaluated" },
    Lint { code: "unreachable_threshold", zh: "阈值在取值范围之外", en: "a threshold lies outside the values that can occur" },
    Lint { code: "unreachable_band", zh: "按权重与封顶，分数到不了该档", en: "the weights and caps of the pack never reach a band" },
    Lint { code: "weight_below_band", zh: "权重恰好差一两分未到某档", en: "a weight or cap ends a point or two below a band" },
    Lint { code: "weight_above_cap", zh: "权重超过家族封顶，超出部分无效", en: "a weight above its family's cap: the rest never counts" },
    Lint { code: "cool_down_below_window", zh: "事件闲置期短于窗口，同一笔资金会再次告警", en: "an episode ends before the rule's window does: the same money alerts again" },
    Lint { code: "window_beyond_ledger", zh: "窗口接近账本保留期，迟到事件只能看到一部分", en: "a window as long as the ledger keeps: late payments see part of it" },
    Lint { code: "mixed_units", zh: "单位混用（天、岁、笔数）", en: "values of different units are compared or calculated" },
    Lint { code: "subsumed", zh: "条件被另一条规则包含", en: "whenever the rule holds another one holds too" },
    Lint { code: "support_without_effect", zh: "有佐证时的措施并不强于单独触发", en: "a support asks for nothing that the rule does not ask for alone" },
    Lint { code: "unused_parameter", zh: "参数未被使用", en: "a parameter is never used" },
    Lint { code: "no_edge_example", zh: "没有覆盖阈值边界的样例", en: "a threshold can be moved by one unit and no example notices" },
    Lint { code: "silent_text", zh: "说明文字未写出决定性的数值", en: "a text does not show a value that decided" },
    Lint { code: "high_cost", zh: "每笔支付的计算成本过高", en: "the rule costs too much at every payment" },
    Lint { code: "unused_allow", zh: "允许项没有对应的提示", en: "something is allowed that nothing remarks on" },
];

/// A remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Its sort.
    pub code: &'static str,
    /// The rule or guard it is about; empty for the policy.
    pub rule: String,
    /// Place and words.
    pub diagnostic: Diagnostic,
    /// The reason, if the file says that it is meant to be so.
    pub allowed: Option<String>,
}

/// Remarks on a pack; `survivors` are mutants of it that no example noticed.
///
/// # Errors
/// What keeps the pack from compiling.
pub fn lint(files: &[SourceFile], survivors: &[Mutant]) -> Result<Vec<Remark>, Vec<Diagnostic>> {
    let plan = compile(files)?;
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
    let mut report = Report { files: &files, found: Vec::new() };
    let context = Context { pack: &pack, plan: &plan };
    for remark in REMARKS {
        remark(&context, &mut report);
    }
    edges::remark(&context, survivors, &mut report);
    Ok(report.settle(&pack))
}

const REMARKS: &[for<'a> fn(&Context<'a>, &mut Report<'a>)] = &[
    bands::remark,
    caps::remark,
    cost::remark,
    episodes::remark,
    ledger::remark,
    outcome::remark,
    subsumed::remark,
    supports::remark,
    texts::remark,
    thresholds::remark,
    units::remark,
    unused::remark,
    weights::remark,
];

/// What a remark may look at.
struct Context<'a> {
    pack: &'a Pack,
    plan: &'a Plan,
}

impl<'a> Context<'a> {
    /// Rules that are in the plan: as written, and compiled.
    fn rules(&self) -> impl Iterator<Item = (&'a RuleDoc, &'a RulePlan)> {
        let pack = self.pack;
        self.plan
            .rules
            .iter()
            .filter_map(|plan| Some((pack.rules.iter().find(|doc| doc.id.value == plan.id)?, plan)))
    }
}

/// Who says what is meant to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner<'a> {
    Rule(&'a str),
    Guard(&'a str),
    Policy,
}

impl<'a> Owner<'a> {
    fn id(self) -> &'a str {
        match self {
            Self::Rule(id) | Self::Guard(id) => id,
            Self::Policy => "",
        }
    }
}

/// Every allowance of a pack.
fn allows(pack: &Pack) -> Vec<(Owner<'_>, &AllowDoc)> {
    let mut all = Vec::new();
    for rule in &pack.rules {
        all.extend(rule.allows.iter().map(|allow| (Owner::Rule(&rule.id.value), allow)));
    }
    for guard in &pack.guards {
        all.extend(guard.allows.iter().map(|allow| (Owner::Guard(&guard.id.value), allow)));
    }
    let of_policy = pack.policy.iter().flat_map(|policy| &policy.allows);
    all.extend(of_policy.map(|allow| (Owner::Policy, allow)));
    all
}

/// A remark before it is known whether it is allowed.
struct Found<'a> {
    code: &'static str,
    owner: Owner<'a>,
    /// What of it, for allowances that name it.
    about: String,
    diagnostic: Diagnostic,
}

/// Collects remarks.
struct Report<'a> {
    files: &'a [&'a SourceFile],
    found: Vec<Found<'a>>,
}

/// A remark's words.
struct Words {
    message: String,
    label: &'static str,
    hint: String,
}

impl<'a> Report<'a> {
    /// Remarks on a place of a rule.
    fn rule(
        &mut self,
        code: &'static str,
        doc: &'a RuleDoc,
        about: &str,
        place: Place,
        words: Words,
    ) {
        self.add(code, Owner::Rule(&doc.id.value), about, place, words);
    }

    /// Remarks on a place of a guard.
    fn guard(
        &mut self,
        code: &'static str,
        doc: &'a GuardDoc,
        about: &str,
        place: Place,
        words: Words,
    ) {
        self.add(code, Owner::Guard(&doc.id.value), about, place, words);
    }

    /// Remarks on a place of the policy.
    fn policy(&mut self, code: &'static str, about: &str, place: Place, words: Words) {
        self.add(code, Owner::Policy, about, place, words);
    }

    fn add(
        &mut self,
        code: &'static str,
        owner: Owner<'a>,
        about: &str,
        (file, span): Place,
        words: Words,
    ) {
        let Words { message, label, hint } = words;
        let diagnostic = Diagnostic::at(self.files[file], span, message, label, Some(hint));
        self.found.push(Found { code, owner, about: about.to_owned(), diagnostic });
    }

    /// Looks up what is allowed; allowances that nothing needed are remarks themselves.
    fn settle(mut self, pack: &'a Pack) -> Vec<Remark> {
        let allows = allows(pack);
        let mut used = BTreeSet::new();
        let mut remarks = Vec::new();
        for found in std::mem::take(&mut self.found) {
            let hit = allows.iter().position(|(owner, allow)| {
                let is_about = |about: &Text| about.value == found.about;
                *owner == found.owner
                    && allow.code.value == found.code
                    && allow.about.as_ref().is_none_or(is_about)
            });
            used.extend(hit);
            remarks.push(Remark {
                code: found.code,
                rule: found.owner.id().to_owned(),
                diagnostic: found.diagnostic,
                allowed: hit.map(|index| allows[index].1.reason.value.clone()),
            });
        }
        // Nothing is remarked on a guard that no rule names: elsewhere it may need its allowances.
        let is_asked = |owner: &Owner<'_>| match owner {
            Owner::Guard(id) => pack.guards.iter().any(|guard| {
                guard.id.value == *id && pack.rules.iter().any(|rule| guard.is_of(rule))
            }),
            _ => true,
        };
        for (index, (owner, allow)) in allows.iter().enumerate() {
            if !used.contains(&index) && is_asked(owner) {
                let words = Words {
                    message: format!("nothing remarks `{}` here any more", allow.code.value),
                    label: "not needed",
                    hint: "remove this allowance".to_owned(),
                };
                self.add("unused_allow", *owner, "", whole(&allow.code), words);
            }
        }
        remarks.extend(self.found.into_iter().map(|found| Remark {
            code: found.code,
            rule: found.owner.id().to_owned(),
            diagnostic: found.diagnostic,
            allowed: None,
        }));
        remarks.sort_by(|a, b| {
            let key = |r: &Remark| {
                (
                    r.diagnostic.path.clone(),
                    r.diagnostic.span.start,
                    r.code,
                    r.diagnostic.message.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        remarks.dedup();
        remarks
    }
}

/// A file and a place in it: an overlay may have put a part of a rule there.
type Place = (usize, Range<usize>);

/// The place of a text.
fn whole(text: &Text) -> Place {
    (text.file, text.span.clone())
}

/// The place of a value's name in a condition; the whole condition where it is not found.
fn place_of(text: &Text, name: &str) -> Place {
    match text.value.find(name) {
        Some(at) => (text.file, text.place(at..at + name.len())),
        None => whole(text),
    }
}
